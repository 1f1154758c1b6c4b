/**
 * Child processes by posix_spawn(3), for the path on which each millisecond
 * counts: `Deno.Command` takes several times as long, and can neither leave
 * the child in a process group of its own nor keep its hands off its input.
 */

import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, cstr, errno, stringArray } from "./libc.ts";

const spawnSymbols = coldSymbols({
  posix_spawn: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_addopen: {
    parameters: ["buffer", "i32", "buffer", "i32", "u32"],
    result: "i32",
  },
  posix_spawn_file_actions_adddup2: {
    parameters: ["buffer", "i32", "i32"],
    result: "i32",
  },
  posix_spawn_file_actions_addchdir_np: {
    parameters: ["buffer", "buffer"],
    result: "i32",
  },
});
/** From glibc 2.34 on. */
const closeFromSymbols = coldSymbols({
  posix_spawn_file_actions_addclosefrom_np: {
    parameters: ["buffer", "i32"],
    result: "i32",
  },
});
const descriptorSymbols = coldSymbols({
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});
const F_DUPFD_CLOEXEC = 1030;
const waitSymbols = coldSymbols({
  waitpid: {
    parameters: ["i32", "buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
});
const adoptSymbols = coldSymbols({
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
});
const PR_SET_CHILD_SUBREAPER = 36;
const killSymbols = coldSymbols({
  kill: { parameters: ["i32", "i32"], result: "i32" },
});

/** What a child gets as one of its three standard streams. */
export type ChildStream =
  /** The same as ours. */
  | "inherit"
  | "null"
  /** A file, made or emptied. */
  | { readonly file: string }
  /** One of our descriptors; it stays ours, too. */
  | { readonly fd: number };

export interface SpawnOptions {
  /** Absolute path of the program. */
  readonly path: string;
  /** Arguments, the name of the program not among them. */
  readonly args: readonly string[];
  /** The name that it is called by; its path if absent. */
  readonly name?: string;
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly stdin?: ChildStream;
  readonly stdout?: ChildStream;
  readonly stderr?: ChildStream;
  /**
   * `own`: signals that the terminal sends to our group don't reach it.
   * `shared` is needed to use the terminal.
   */
  readonly processGroup: "own" | "shared";
  /**
   * `new`: it has no terminal, and nobody's end hangs it up. It also gets no
   * descriptor that somebody has left open for us, and would keep it open.
   */
  readonly session?: "new";
  /** Descriptors of ours that the child gets as 3, 4, 5, … */
  readonly extra?: readonly number[];
  /** Absolute; ours if absent. */
  readonly cwd?: string;
}

/** How a child ended. */
export type ChildStatus =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: number };

export interface Child {
  readonly pid: number;
  /**
   * Settles when the child has ended. Parks one thread of the pool of 32, so
   * wait for a handful of children at a time. Call it once.
   */
  wait(): Promise<ChildStatus>;
}

// `posix_spawnattr_t` of glibc, on every 64-bit Linux: flags (16 bits), the
// process group (32 bits at 4), the signals to reset (128 bytes at 8), the
// signal mask (128 bytes at 136), and what we don't use.
const ATTRIBUTE_BYTES = 336;
const FLAG = {
  setProcessGroup: 0x02,
  setSigDef: 0x04,
  setSigMask: 0x08,
  setSession: 0x80,
};
const SIGDEF_AT = 8;
const FILE_ACTIONS_BYTES = 80;
const SIGPIPE = 13;

const O = { readOnly: 0, writeOnly: 1, create: 0o100, truncate: 0o1000 };

/**
 * Starts a child with an empty signal mask and SIGPIPE at its default, which
 * Deno ignores and children would inherit.
 * @throws {SysError}
 */
export function spawn(options: SpawnOptions): Child {
  const pid = new Int32Array(1);
  const path = cstr(options.path);
  const argv = stringArray([options.name ?? options.path, ...options.args]);
  const envp = stringArray(options.env);
  using actions = fileActions(options);
  const code = spawnSymbols().posix_spawn(
    pid,
    path,
    actions.bytes,
    attributes(options),
    argv.pointers,
    envp.pointers,
  );
  if (code !== 0) throw new SysError("run", code, options.path);
  const child = pid[0] ?? -1;
  return { pid: child, wait: () => waitFor(child) };
}

function attributes({ processGroup, session }: SpawnOptions) {
  const bytes = new Uint8Array(ATTRIBUTE_BYTES);
  const view = new DataView(bytes.buffer);
  // A session's first process leads a group already, and may not ask for one.
  const group = session === "new"
    ? FLAG.setSession
    : processGroup === "own"
    ? FLAG.setProcessGroup
    : 0;
  view.setUint16(0, FLAG.setSigDef | FLAG.setSigMask | group, true);
  view.setUint32(SIGDEF_AT, 1 << (SIGPIPE - 1), true);
  return bytes;
}

/** Null bytes: everything is inherited. */
interface FileActions extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer> | null;
}

function fileActions(options: SpawnOptions): FileActions {
  const { extra = [], cwd } = options;
  const streams = [options.stdin, options.stdout, options.stderr]
    .map((stream) => stream ?? "inherit");
  const isPlain = streams.every((stream) => stream === "inherit") &&
    extra.length === 0 && cwd === undefined && options.session === undefined;
  if (isPlain) return { bytes: null, [Symbol.dispose]: () => {} };
  const symbols = spawnSymbols();
  const actions = new Uint8Array(FILE_ACTIONS_BYTES);
  symbols.posix_spawn_file_actions_init(actions);
  const all: readonly ChildStream[] = [
    ...streams,
    ...extra.map((fd) => ({ fd })),
  ];
  const moved: number[] = [];
  all.forEach((stream, target) => {
    if (stream === "inherit") return;
    if (stream === "null" || "file" in stream) {
      addOpen(actions, target, stream);
      return;
    }
    // One that is about to be replaced has to be out of the way first.
    const source = stream.fd < all.length
      ? duplicate(stream.fd, all.length, moved)
      : stream.fd;
    symbols.posix_spawn_file_actions_adddup2(actions, source, target);
  });
  if (cwd !== undefined) {
    symbols.posix_spawn_file_actions_addchdir_np(actions, cstr(cwd));
  }
  if (options.session === "new") closeFrom(actions, all.length);
  return {
    bytes: actions,
    [Symbol.dispose]() {
      symbols.posix_spawn_file_actions_destroy(actions);
      for (const fd of moved) descriptorSymbols().close(fd);
    },
  };
}

function closeFrom(actions: Uint8Array<ArrayBuffer>, first: number): void {
  let symbols: ReturnType<typeof closeFromSymbols>;
  try {
    symbols = closeFromSymbols();
  } catch {
    // An older libc: ours are closed on exec, others' stay.
    return;
  }
  symbols.posix_spawn_file_actions_addclosefrom_np(actions, first);
}

function addOpen(
  actions: Uint8Array<ArrayBuffer>,
  target: number,
  stream: "null" | { readonly file: string },
): void {
  const path = stream === "null" ? "/dev/null" : stream.file;
  const access = target === 0 ? O.readOnly : O.writeOnly;
  const more = stream === "null" || target === 0 ? 0 : O.create | O.truncate;
  spawnSymbols().posix_spawn_file_actions_addopen(
    actions,
    target,
    cstr(path),
    access | more,
    0o600,
  );
}

/** @returns the same open file under a number of `from` or more */
function duplicate(fd: number, from: number, into: number[]): number {
  const copy = descriptorSymbols().fcntl(fd, F_DUPFD_CLOEXEC, BigInt(from));
  if (copy < 0) throw new SysError("duplicate", errno(), `descriptor ${fd}`);
  into.push(copy);
  return copy;
}

/**
 * Makes this process the parent of what its children leave behind, so that
 * `waitFor` can be used for those.
 */
export function adoptOrphans(): void {
  if (adoptSymbols().prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0) {
    return;
  }
  throw new SysError("adopt orphans", errno(), `process ${Deno.pid}`);
}

/** See `Child.wait`. @param pid of a child, born or adopted */
export async function waitFor(pid: number): Promise<ChildStatus> {
  const status = new Int32Array(1);
  for (;;) {
    const result = await waitSymbols().waitpid(pid, status, 0);
    if (result === pid) return decodeStatus(status[0] ?? 0);
    // The number of the error is on another thread. With a child that is
    // ours and not yet waited for, it can only be an interruption.
    if (!isAlive(pid)) throw new SysError("wait for", ERRNO.ECHILD, `${pid}`);
  }
}

/** @see wait(2), "WIFEXITED" and its siblings */
export function decodeStatus(status: number): ChildStatus {
  const signal = status & 0x7f;
  return signal === 0
    ? { kind: "exited", code: (status >> 8) & 0xff }
    : { kind: "signalled", signal };
}

/** 128 + n for signal n, as a shell would. */
export function exitCodeOf(status: ChildStatus): number {
  return status.kind === "exited" ? status.code : 128 + status.signal;
}

/** @returns false if there is no such process (any more) */
export function sendSignal(pid: number, signal: number): boolean {
  return killSymbols().kill(pid, signal) === 0;
}

export function isAlive(pid: number): boolean {
  return sendSignal(pid, 0);
}
