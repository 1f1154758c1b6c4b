/** A store with a small image in it, and the program on it. */

import { type CallOptions, coracle, type Outcome } from "./coracle.ts";
import { removeLeft } from "./remove_left.ts";

/** Names of the images, without their registry. */
export const IMAGE = "busybox";
/** With a user, a working directory and a volume of its own. */
export const IMAGE_WITH_CONFIG = "crew/ship";

const ROOT = new URL("../../", import.meta.url).pathname;
const MAKE_IMAGES = new URL("./run_images_main.ts", import.meta.url).pathname;

export interface RunStore extends AsyncDisposable {
  readonly dir: string;
  /** Flags that name the store. */
  readonly flags: readonly string[];
  /** `coracle run --rm ARGS` */
  run(args: readonly string[], options?: CallOptions): Promise<Outcome>;
  /** `coracle ARGS` */
  call(args: readonly string[], options?: CallOptions): Promise<Outcome>;
  /** What is left of containers in state, snapshots, records and mounts. */
  leftovers(): Promise<readonly string[]>;
}

/** Its containers' cgroups are below `/coracle/NAMESPACE`. */
export async function openRunStore(): Promise<RunStore> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-run-" });
  const namespace = `test${crypto.randomUUID().slice(0, 8)}`;
  const root = `${dir}/root`;
  const state = `${dir}/state`;
  await makeImages(root, state, namespace);
  const flags = ["--root", root, "--state", state, "--namespace", namespace];
  const call = (args: readonly string[], options: CallOptions = {}) =>
    coracle([...flags, ...args], options);
  const before = new Set(snapshotNames(root));
  return {
    dir,
    flags,
    call,
    run: (args, options) => call(["run", "--rm", ...args], options),
    leftovers: async () => {
      const listed = await call(["ps", "--all", "--quiet", "--no-trunc"]);
      return [
        ...names(`${state}/bundles`),
        ...names(`${root}/volumes/${namespace}`),
        ...snapshotNames(root).filter((name) => !before.has(name)),
        ...listed.stdout.split("\n").filter((line) => line !== ""),
        ...mountsBelow(dir),
        ...cgroupsOf(namespace),
      ];
    },
    async [Symbol.asyncDispose]() {
      removeCgroups(namespace);
      await removeLeft(dir);
    },
  };
}

/** In a process of its own, which takes its libraries with it. */
async function makeImages(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `--config=${ROOT}deno.json`, MAKE_IMAGES, ...args],
    stdin: "null",
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

function snapshotNames(root: string): readonly string[] {
  return names(`${root}/snapshots/overlayfs`);
}

function names(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

function mountsBelow(dir: string): readonly string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .filter((line) => line.includes(dir));
}

const CGROUPS = "/sys/fs/cgroup";

function cgroupParents(namespace: string): readonly string[] {
  const roots = [CGROUPS, ...names(CGROUPS)];
  return roots.map((root) => `${root}/coracle/${namespace}`);
}

/** Cgroups of containers. */
export function cgroupsOf(namespace: string): readonly string[] {
  return cgroupParents(namespace).flatMap((parent) => {
    try {
      return [...Deno.readDirSync(parent)]
        .filter(({ isDirectory }) => isDirectory)
        .map(({ name }) => `${parent}/${name}`);
    } catch {
      return [];
    }
  });
}

/** Empty ones of ours stay behind as docker's do; a test tidies up. */
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
