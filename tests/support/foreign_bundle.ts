/** Bundles for shims, with busybox in them, and what shims leave behind. */

import type { Bundle } from "../../src/core/task.ts";
import { createBundleStore } from "../../src/runtime/bundles.ts";
import { background } from "../../src/base/context.ts";
import { writeBusyboxRoot } from "./run_image.ts";
import { isThere } from "../../src/sys/is_there.ts";

export interface ForeignBundles extends AsyncDisposable {
  readonly dir: string;
  readonly state: string;
  readonly namespace: string;
  /** A bundle as the engine makes it, ready to start. */
  make(id: string, process: BundleProcess): Promise<Bundle>;
  /** Processes of shims and containers, sockets, mounts and cgroups. */
  leftovers(): readonly string[];
}

export interface BundleProcess {
  readonly args: readonly string[];
  readonly terminal?: boolean;
}

/** @param runtime its name, as a user gives it */
export async function openForeignBundles(
  runtime: string,
): Promise<ForeignBundles> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-shim-" });
  const state = `${dir}/state`;
  await Deno.mkdir(`${state}/bundles`, { recursive: true });
  const namespace = `test${crypto.randomUUID().slice(0, 8)}`;
  const store = createBundleStore({ state });
  return {
    dir,
    state,
    namespace,
    make(id, process) {
      const bundle = store.create(background({ namespace }), {
        id,
        namespace,
        runtime,
        snapshotter: "",
        snapshotKey: "",
        removal: "keep",
      });
      writeBusyboxRoot(bundle.rootfs);
      const cgroup = `/coracle/${namespace}/${id}`;
      bundle.writeSpec(JSON.stringify(specFor(process, cgroup)));
      return Promise.resolve(bundle);
    },
    leftovers: () => [
      ...processesWith(dir, namespace),
      ...shimSockets(`${state}/bundles`),
      ...mountsBelow(dir),
      ...cgroupDirectories(namespace),
      ...names(`${state}/runtime/${namespace}`),
      ...names(state).filter((name) => name.includes("/events-")),
    ],
    async [Symbol.asyncDispose]() {
      removeCgroups(namespace);
      await Deno.remove(dir, { recursive: true });
    },
  };
}

function specFor({ args, terminal = false }: BundleProcess, cgroup: string) {
  const namespaces = ["pid", "mount", "ipc", "uts", "network"];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal,
      args,
      cwd: "/",
      env: ["PATH=/bin"],
      user: { uid: 0, gid: 0 },
    },
    root: { path: "rootfs" },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }, {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "mode=755"],
    }, {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["newinstance", "ptmxmode=0666"],
    }],
    linux: {
      cgroupsPath: cgroup,
      namespaces: namespaces.map((type) => ({ type })),
    },
  };
}

/** Command lines with either text, but ours. */
function processesWith(...texts: readonly string[]): readonly string[] {
  return names("/proc").flatMap((path) => {
    if (!/^\/proc\/\d+$/.test(path) || path === `/proc/${Deno.pid}`) return [];
    const line = read(`${path}/cmdline`).replaceAll("\0", " ");
    return texts.some((text) => line.includes(text)) ? [line] : [];
  });
}

/** Of the shims of these bundles, as they have written them down. */
function shimSockets(bundles: string): readonly string[] {
  return names(bundles)
    .map((bundle) => read(`${bundle}/address`).replace("unix://", ""))
    .filter((path) => path !== "" && isThere(path));
}

function mountsBelow(dir: string): readonly string[] {
  return read("/proc/self/mountinfo").split("\n")
    .filter((line) => line.includes(dir));
}

const CGROUPS = "/sys/fs/cgroup";

function cgroupParents(namespace: string): readonly string[] {
  return [CGROUPS, ...names(CGROUPS)]
    .map((root) => `${root}/coracle/${namespace}`);
}

function cgroupDirectories(namespace: string): readonly string[] {
  return cgroupParents(namespace).flatMap((parent) =>
    names(parent).filter((path) => isDirectory(path))
  );
}

function removeCgroups(namespace: string): void {
  for (const path of cgroupParents(namespace)) {
    for (const directory of [path, path.slice(0, path.lastIndexOf("/"))]) {
      try {
        Deno.removeSync(directory);
      } catch {
        // It was never made, or another test uses the one above.
      }
    }
  }
}

function names(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
