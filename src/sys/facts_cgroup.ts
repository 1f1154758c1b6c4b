import { type MountEntry, readMounts } from "./mount_info.ts";

/** A control group as this process sees it. */
export interface CgroupPlace {
  readonly mountPoint: string;
  /** Of this process, from the root of the hierarchy: `/user.slice/…`. */
  readonly path: string;
}

export interface Cgroups {
  /**
   * `v2`: one hierarchy for everything; `v1`: one for each controller;
   * `hybrid`: v1 with a v2 hierarchy beside it; `none`: nothing is mounted.
   */
  readonly mode: "v1" | "hybrid" | "v2" | "none";
  /** v1 hierarchies by controller: `memory`, `pids`, `name=systemd`. */
  readonly controllers: ReadonlyMap<string, CgroupPlace>;
  /** The v2 hierarchy, if there is one. */
  readonly unified?: CgroupPlace;
}

/** Where cgroups are mounted and where this process is in them. */
export function readCgroups(): Cgroups {
  return parseCgroups(
    Deno.readTextFileSync("/proc/self/cgroup"),
    readMounts(),
  );
}

/** @param text of `/proc/PID/cgroup` */
export function parseCgroups(
  text: string,
  mounts: readonly MountEntry[],
): Cgroups {
  const controllers = new Map<string, CgroupPlace>();
  let unified: CgroupPlace | undefined;
  for (const line of text.split("\n")) {
    const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === undefined || names === undefined || path === undefined) continue;
    if (id === "0" && names === "") unified = placeOfV2(path, mounts);
    else {for (const [name, place] of placesOfV1(names, path, mounts)) {
        controllers.set(name, place);
      }}
  }
  return {
    mode: modeOf(controllers.size, unified),
    controllers,
    ...(unified === undefined ? {} : { unified }),
  };
}

function modeOf(
  v1Count: number,
  unified: CgroupPlace | undefined,
): Cgroups["mode"] {
  if (v1Count > 0) return unified === undefined ? "v1" : "hybrid";
  return unified === undefined ? "none" : "v2";
}

function placeOfV2(
  path: string,
  mounts: readonly MountEntry[],
): CgroupPlace | undefined {
  const mount = mounts.find(({ type }) => type === "cgroup2");
  return mount && { mountPoint: mount.mountPoint, path };
}

function placesOfV1(
  names: string,
  path: string,
  mounts: readonly MountEntry[],
): [string, CgroupPlace][] {
  return names.split(",").flatMap((name): [string, CgroupPlace][] => {
    const mount = mounts.find(({ type, superOptions }) =>
      type === "cgroup" && superOptions.includes(name)
    );
    return mount ? [[name, { mountPoint: mount.mountPoint, path }]] : [];
  });
}

/** Directory of this process's v2 cgroup. */
export function cgroupDirectory({ mountPoint, path }: CgroupPlace): string {
  return path === "/" ? mountPoint : mountPoint + path;
}
