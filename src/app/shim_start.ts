/** `start`: leaves a process behind that serves, and says where. */

import { unavailable } from "../base/errors.ts";
import { writeAddress } from "../shim/bundle_files.ts";
import { Descriptors } from "../shim/descriptors.ts";
import { makePipe, readSome } from "../sys/descriptors.ts";
import { spawn } from "../sys/process.ts";
import { selfCommand } from "./self.ts";
import { type Bootstrap, readBootstrap } from "./shim_bootstrap.ts";
import type { ShimFlags } from "./shim_flags.ts";
import { openShimLog } from "./shim_own_log.ts";
import { READY, READY_FD } from "./shim_ready.ts";
import {
  groupOf,
  isAnswering,
  lockSockets,
  removeSocket,
  socketAddress,
  socketPath,
} from "./shim_socket.ts";

/**
 * @param input what the caller says beyond the flags
 * @returns what the caller wants to read
 */
export async function startShim(
  flags: ShimFlags,
  input: Uint8Array,
): Promise<Uint8Array> {
  const bootstrap = readBootstrap(flags, input);
  const bundle = flags.bundle || Deno.cwd();
  const group = groupOf(
    flags.id,
    readAnnotations(bundle),
    Deno.env.get("CORACLE_SHIM_GROUPING"),
  );
  const address = await socketAddress(flags, group, bootstrap.socketDirectory);
  // Nobody else asks for the shim of a container that is not in a group.
  using _lock = group === flags.id ? undefined : lockSockets(address);
  if (!await isAnswering(address, flags)) {
    removeSocket(address);
    adjustOomScore();
    spawnServer({ ...flags, bundle, socket: socketPath(address) }, bootstrap);
  }
  writeAddress(bundle, address);
  return bootstrap.answer(address);
}

function readAnnotations(bundle: string): Readonly<Record<string, string>> {
  const text = Deno.readTextFileSync(`${bundle}/config.json`);
  const { annotations = {} } = JSON.parse(text) as {
    readonly annotations?: Readonly<Record<string, string>>;
  };
  return annotations;
}

const MOST_OOM_SCORE = 1000;

/**
 * Rather the shim than containerd, and rather a container than its shim: one
 * above our parent's. The process that serves inherits it.
 */
function adjustOomScore(): void {
  try {
    const path = (pid: number | "self") => `/proc/${pid}/oom_score_adj`;
    const parent = Number(Deno.readTextFileSync(path(Deno.ppid)));
    const score = Math.min(parent + 1, MOST_OOM_SCORE);
    Deno.writeTextFileSync(path("self"), String(score));
  } catch {
    // Only some may lower it; it is a preference.
  }
}

/** @throws {EngineError} `unavailable` if it ends instead of listening */
function spawnServer(flags: ShimFlags, { events }: Bootstrap): void {
  using owned = new Descriptors();
  const ready = makePipe();
  owned.own(ready.read);
  owned.own(ready.write);
  const log = openShimLog(flags.bundle);
  if (log !== undefined) owned.own(log);
  const [program = "", ...args] = selfCommand();
  spawn({
    path: program,
    args: [...args, "shim", ...serverFlags(flags)],
    env: Object.entries({ ...Deno.env.toObject(), TTRPC_ADDRESS: events })
      .map(([name, value]) => `${name}=${value}`),
    stdin: "null",
    stdout: "null",
    stderr: log === undefined ? "null" : { fd: log },
    processGroup: "own",
    session: "new",
    extra: [ready.write],
    // It must not keep the bundle from being deleted.
    cwd: "/",
  });
  owned.close(ready.write);
  const said = readAll(ready.read);
  if (said === READY) return;
  throw unavailable(
    `Cannot start shim for "${flags.id}": ${said || "it ended"}`,
  );
}

function serverFlags(flags: ShimFlags): readonly string[] {
  const { namespace, id, address, publishBinary, bundle, socket } = flags;
  return [
    ...["-namespace", namespace, "-id", id, "-address", address],
    ...["-publish-binary", publishBinary, "-bundle", bundle],
    ...["-socket", socket, "-ready", READY_FD],
    ...flags.logLevel === "debug" ? ["-debug"] : [],
  ];
}

/** Waits: there is nothing else to do in this process. */
function readAll(fd: number): string {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = readSome(fd, buffer);
    if (count === 0 || count === "again") return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}
