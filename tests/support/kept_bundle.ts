/** A task service of ours in this process, with bundles for it to keep. */

import { shimCodec } from "../../src/app/shim_codec.ts";
import { encodeMetrics } from "../../src/app/shim_metrics.ts";
import { silentLogger } from "../../src/base/log.ts";
import { Copier } from "../../src/shim/copy.ts";
import type { ShimEvent } from "../../src/shim/events.ts";
import { createTaskService, type TaskService } from "../../src/shim/service.ts";
import { openPoller } from "../../src/sys/poller.ts";
import { adoptOrphans } from "../../src/sys/process.ts";
import { createReaper } from "../../src/sys/reaper.ts";
import { writeBusyboxRoot } from "./run_image.ts";

export interface KeptBundles extends AsyncDisposable {
  readonly directory: string;
  readonly service: TaskService;
  readonly events: readonly ShimEvent[];
  /** @returns the directory of a bundle that is ready to be created */
  make(id: string, options: BundleOptions): string;
  /** What is left of containers: cgroups, states, mounts. */
  leftovers(): readonly string[];
}

interface BundleOptions {
  readonly args: readonly string[];
  readonly terminal?: "terminal";
  readonly pids?: "own" | "host";
  readonly memoryBytes?: number;
}

export interface KeptBundlesOptions {
  /** The runtime, if it is not runc. */
  readonly binaryName?: string;
  /** A directory of programs, before all others. */
  readonly programs?: string;
}

export function openKeptBundles(
  { binaryName = "", programs }: KeptBundlesOptions = {},
): KeptBundles {
  const directory = Deno.makeTempDirSync({ prefix: "coracle-kept-" });
  const namespace = `kept${crypto.randomUUID().slice(0, 8)}`;
  const events: ShimEvent[] = [];
  const poller = openPoller();
  const reaper = createReaper();
  // A shim listens meanwhile; the end of a child alone keeps nobody waiting.
  const alive = setInterval(() => {}, 60_000);
  adoptOrphans();
  const service = createTaskService({
    namespace,
    log: silentLogger,
    poller,
    reaper,
    copier: new Copier(poller),
    env: environment(programs),
    now: () => new Date(),
    publish: (event) => void events.push(event),
    codec: {
      ...shimCodec,
      runcOptions: async (value, ignored) => ({
        ...await shimCodec.runcOptions(value, ignored),
        root: `${directory}/runc`,
        binaryName,
      }),
    },
    metrics: encodeMetrics,
    counted: () => {},
    expect: () => {},
    used: () => {},
    end: () => {},
  });
  return {
    directory,
    service,
    events,
    make(id, options) {
      const bundle = `${directory}/${id}`;
      writeBusyboxRoot(`${bundle}/rootfs`);
      const cgroup = `/coracle/${namespace}/${id}`;
      const spec = JSON.stringify(specOf(options, cgroup));
      Deno.writeTextFileSync(`${bundle}/config.json`, spec);
      return bundle;
    },
    leftovers: () => [
      ...namesIn(`${directory}/runc/${namespace}`),
      ...cgroupsOf(namespace).flatMap((path) => directoriesIn(path)),
      ...Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
        .filter((line) => line.includes(directory)),
    ],
    async [Symbol.asyncDispose]() {
      clearInterval(alive);
      reaper[Symbol.dispose]();
      await poller.close();
      // The listener for signals ends a moment after it was removed.
      await new Promise((resolve) => setTimeout(resolve));
      for (const path of cgroupsOf(namespace)) Deno.removeSync(path);
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function environment(programs: string | undefined): readonly string[] {
  const { PATH, ...rest } = Deno.env.toObject();
  const path = programs === undefined ? PATH : `${programs}:${PATH}`;
  return Object.entries({ ...rest, PATH: path }).map(([k, v]) => `${k}=${v}`);
}

function specOf(
  { args, terminal, pids = "own", memoryBytes }: BundleOptions,
  cgroup: string,
) {
  const namespaces = ["mount", "ipc", "uts", "network"];
  if (pids === "own") namespaces.push("pid");
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: terminal === "terminal",
      args,
      cwd: "/",
      env: ["PATH=/bin"],
      user: { uid: 0, gid: 0 },
    },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "mode=755", "size=65536k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666"],
      },
    ],
    linux: {
      cgroupsPath: cgroup,
      ...memoryBytes === undefined
        ? {}
        : { resources: { memory: { limit: memoryBytes } } },
      namespaces: namespaces.map((type) => ({ type })),
    },
  };
}

function namesIn(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

function directoriesIn(path: string): readonly string[] {
  return [...Deno.readDirSync(path)].filter((it) => it.isDirectory)
    .map(({ name }) => `${path}/${name}`);
}

/** Of v1, where each controller has its own, and of v2. */
function cgroupsOf(namespace: string): readonly string[] {
  return ["/sys/fs/cgroup", ...namesIn("/sys/fs/cgroup")]
    .map((root) => `${root}/coracle/${namespace}`)
    .filter((path) => namesIn(path).length > 0);
}
