/** Our commands on the store of a daemon, ours or containerd's, by its socket. */

import { openBareContainerd } from "./bare_containerd.ts";
import { makeBusyboxArchive } from "./busybox_archive.ts";
import { hasContainerd } from "./containerd.ts";
import { type CallOptions, coracle, type Outcome } from "./coracle.ts";
import { openDaemon } from "./daemon.ts";

export interface RemoteStore extends AsyncDisposable {
  /** Has `root` and `state`, and is the test's otherwise. */
  readonly dir: string;
  readonly address: string;
  /** Of the command line, before the command. */
  readonly flags: readonly string[];
  call(args: readonly string[], options?: CallOptions): Promise<Outcome>;
  /** As `call`; standard output of a call that must succeed. */
  ok(...args: readonly string[]): Promise<string>;
}

export interface RemoteServer {
  readonly name: string;
  readonly ignore: boolean;
  readonly isOurs: boolean;
  /** With `busybox:test` in it. */
  readonly open: () => Promise<RemoteStore>;
}

/** The monitor of restarts looks once in ten seconds if it isn't told. */
const QUICK_RESTARTS = `
[plugins."io.containerd.internal.v1.restart"]
  interval = "500ms"
`;

/** All kinds that there are. */
export const REMOTE_SERVERS: readonly RemoteServer[] = [
  {
    name: "our daemon",
    ignore: Deno.uid() !== 0,
    isOurs: true,
    open: () => openStore(openOurs),
  },
  {
    name: "containerd",
    ignore: !hasContainerd(),
    isOurs: false,
    open: () => openStore(() => openBareContainerd(QUICK_RESTARTS)),
  },
];

interface Served extends AsyncDisposable {
  readonly address: string;
}

/** Image of the store. */
export const REMOTE_IMAGE = "busybox:test";

const PAUSE_MS = 50;
const PATIENCE_MS = 20_000;

async function openOurs(): Promise<Served> {
  const path = await Deno.makeTempFile({ prefix: "coracle-remote-" });
  try {
    await Deno.writeTextFile(path, `version = 3\n${QUICK_RESTARTS}`);
    return await openDaemon({ args: ["--config", path] });
  } finally {
    await Deno.remove(path);
  }
}

async function openStore(serve: () => Promise<Served>): Promise<RemoteStore> {
  await using owned = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
  owned.defer(() => Deno.remove(dir, { recursive: true }));
  const { address } = owned.use(await serve());
  const flags = ["--root", `${dir}/root`, "--state", `${dir}/state`]
    .concat("--address", address);
  const call: RemoteStore["call"] = (args, options) =>
    coracle([...flags, ...args], options);
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(args);
    if (code === 0) return stdout;
    throw new Error(`coracle ${args.join(" ")} ended with ${code}: ${stderr}`);
  };
  await ok("load", "-i", await makeBusyboxArchive(dir));
  const kept = owned.move();
  return {
    ...{ dir, address, flags, call, ok },
    [Symbol.asyncDispose]: async () => {
      // What a test that has failed leaves.
      const left = (await ok("ps", "-aq")).split("\n").filter(Boolean);
      if (left.length > 0) await call(["rm", "-f", ...left]);
      // Loggers finish what has ended.
      await until(
        "their end",
        async () => (await processesWith(`${dir}/`)).length === 0,
      );
      await kept.disposeAsync();
    },
  };
}

/** Of a call of containerd's own client: what it complains about. */
export async function ctrErrors(
  { address }: RemoteStore,
  ...args: readonly string[]
): Promise<string> {
  const { stderr } = await new Deno.Command("timeout", {
    args: ["60", "ctr", "-a", address, ...args],
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stderr);
}

/** Directories that the command keeps of containers. */
export async function commandBundles(
  { dir }: RemoteStore,
): Promise<readonly string[]> {
  const [remote] = await Array.fromAsync(Deno.readDir(`${dir}/state/remote`));
  const bundles = `${dir}/state/remote/${remote?.name}/bundles`;
  const entries = await Array.fromAsync(Deno.readDir(bundles));
  return entries.map(({ name }) => `${bundles}/${name}`);
}

/** Links by which others could join what is not there any more. */
export async function linksIn(directory: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(directory)))
    .filter(({ isSymlink }) => isSymlink).map(({ name }) => name);
}

/**
 * Log driver that writes `log-stdout` and `log-stderr`, adding to what is there.
 * @param first what its shell does before it reads
 */
export function programLog(dir: string, first = ":"): string {
  const copies = [["3", "stdout"], ["4", "stderr"]].map(([fd, name]) =>
    `cat <&${fd} 5>&- >>${dir}/log-${name} &`
  );
  const script = `exec 5>&-; ${first}; ${copies.join(" ")} wait`;
  return `binary:///bin/sh?-c=${encodeURIComponent(script)}`;
}

/** Asks again until `see` says yes. */
export async function until(
  what: string,
  see: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!await see()) {
    if (Date.now() > end) throw new Error(`${what} does not happen`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Numbers of those with all the words in their command line. */
export async function processesWith(
  ...words: readonly string[]
): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`)
      .catch(() => "");
    if (words.every((word) => line.includes(word))) found.push(Number(name));
  }
  return found;
}
