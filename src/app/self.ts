/** What a running process knows about the executable that it is. */

export const VERSION = "0.1.0";

/**
 * What the daemon tells its clients: the containerd whose API it serves, and
 * behind that our own. Clients compare it with containerd's releases, as
 * nerdctl does to know whether input ends.
 */
export const API_VERSION: string = `2.1.0+coracle.${VERSION}`;

/**
 * What was built, as `docker info` shows it of its containerd, and nothing
 * else: no commit, as packages of distributions have none.
 */
export const REVISION = VERSION;

/** Bundles that run in a Worker, and where they are in the source tree. */
const WORKER_SOURCES = {
  unpack_worker: "../drivers/unpack/worker.ts",
} as const;

export type WorkerName = keyof typeof WORKER_SOURCES;

/** What the first stage of the packed executable leaves for us. */
interface Package {
  workerUrl(name: WorkerName): string;
}

/** True in the single executable, false in a source tree. */
export function isPacked(): boolean {
  return packageOfThisProcess() !== undefined;
}

/**
 * The command that runs this program again; the caller appends arguments.
 * In the executable it is its path, resolved when the process started.
 */
export function selfCommand(): string[] {
  if (isPacked()) return [Deno.execPath()];
  const main = new URL("../../main.ts", import.meta.url);
  return [
    Deno.execPath(),
    "run",
    "--allow-all",
    `--config=${new URL("deno.json", main).pathname}`,
    main.pathname,
  ];
}

/** For `new Worker(url, { type: "module" })`. */
export function entryUrl(name: WorkerName): string {
  const packed = packageOfThisProcess();
  if (packed !== undefined) return packed.workerUrl(name);
  return new URL(WORKER_SOURCES[name], import.meta.url).href;
}

function packageOfThisProcess(): Package | undefined {
  const key = Symbol.for("coracle.package");
  return (globalThis as { [key: symbol]: Package | undefined })[key];
}
