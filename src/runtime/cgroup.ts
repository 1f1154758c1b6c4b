/** Control groups of processes: where they are, and who is in them. */

import { parseCgroups } from "../sys/facts_cgroup.ts";
import { readMounts } from "../sys/mount_info.ts";

/** Directories of one process's groups. */
export interface ControlGroup {
  /** 2 if there is no v1 hierarchy: only then v2 has the controllers. */
  readonly version: 1 | 2;
  /** By controller; on v2 all are in one, named "". */
  readonly directories: ReadonlyMap<string, string>;
}

type Place = readonly [
  controller: string,
  place: { readonly mountPoint: string; readonly path: string },
];

/** Undefined if there is no such process, or it is in no group. */
export function cgroupOf(pid: number): ControlGroup | undefined {
  const found = placesOf(pid);
  if (found === undefined) return undefined;
  const { version, places } = found;
  return {
    version,
    directories: new Map(
      places.map(([name, { mountPoint, path }]) =>
        [name, path === "/" ? mountPoint : mountPoint + path] as const
      ),
    ),
  };
}

function placesOf(
  pid: number,
): { version: 1 | 2; places: readonly Place[] } | undefined {
  const text = readIfThere(`/proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const { mode, controllers, unified } = parseCgroups(text, readMounts());
  const places = mode === "v2" && unified !== undefined
    ? [["", unified] as const]
    : [...controllers];
  return places.length === 0
    ? undefined
    : { version: mode === "v2" ? 2 : 1, places };
}

/**
 * The groups that were made for a container. A container need not have any, as
 * for a user to whom none were given; its process is then in groups with
 * others, which must not be taken for its own.
 * @param pid of its first process, which may be in a group below
 * @param id which the group is called after, as all runtimes do
 */
export function containerGroup(
  pid: number,
  id: string,
): ControlGroup | undefined {
  const found = placesOf(pid);
  if (found === undefined) return undefined;
  const own = found.places.flatMap(([name, { mountPoint, path }]) => {
    const parts = path.split("/");
    const last = parts.findLastIndex((part) => isCalledAfter(part, id));
    const directory = mountPoint + parts.slice(0, last + 1).join("/");
    return last < 0 ? [] : [[name, directory] as const];
  });
  return own.length === 0
    ? undefined
    : { version: found.version, directories: new Map(own) };
}

/**
 * Its id, or with systemd `PREFIX-ID.scope`. What has the id anywhere else in
 * its name may be another's, whose processes would be killed with this one's.
 */
export function isCalledAfter(name: string, id: string): boolean {
  return name === id || name === `${id}.scope` || name.endsWith(`-${id}.scope`);
}

/** The one that says which processes are in the group. */
function processDirectory({ directories }: ControlGroup): string | undefined {
  const name = ["", "pids", "freezer", "memory"]
    .find((name) => directories.has(name));
  return name === undefined
    ? directories.values().next().value
    : directories.get(name);
}

/** Numbers on the host of all processes in the group and below it. */
export function groupPids(group: ControlGroup): readonly number[] {
  const directory = processDirectory(group);
  return directory === undefined ? [] : pidsBelow(directory);
}

function pidsBelow(directory: string): readonly number[] {
  const text = readIfThere(`${directory}/cgroup.procs`) ?? "";
  const own = text.split("\n").filter(Boolean).map(Number);
  return [...own, ...directoriesIn(directory).flatMap(pidsBelow)];
}

/** What the kernel says; undefined on v1 without a freezer. */
export function isFrozen(group: ControlGroup): boolean | undefined {
  const unified = group.directories.get("");
  if (unified !== undefined) {
    const text = readIfThere(`${unified}/cgroup.events`);
    return text === undefined ? undefined : /^frozen 1$/m.test(text);
  }
  const freezer = group.directories.get("freezer");
  const state = freezer === undefined
    ? undefined
    : readIfThere(`${freezer}/freezer.state`);
  return state === undefined ? undefined : state.trim() === "FROZEN";
}

/** Lets a frozen group go on, so that signals reach what is in it. */
export function thaw(group: ControlGroup): void {
  const unified = group.directories.get("");
  const freezer = group.directories.get("freezer");
  if (unified !== undefined) write(`${unified}/cgroup.freeze`, "0");
  else if (freezer !== undefined) write(`${freezer}/freezer.state`, "THAWED");
}

/**
 * Processes of a container without groups of its own: all in its PID
 * namespace, or, where that is ours, what its first process has started.
 */
export function processesOf(init: number): readonly number[] {
  const namespace = pidNamespace(init);
  if (namespace === undefined) return [];
  const all = directoriesIn("/proc")
    .map((path) => Number(path.slice("/proc/".length)))
    .filter((pid) => Number.isInteger(pid));
  return namespace === pidNamespace(Deno.pid)
    ? descendants(init, all)
    : all.filter((pid) => pidNamespace(pid) === namespace);
}

function descendants(init: number, all: readonly number[]): readonly number[] {
  const parents = all.map((pid) => ({ pid, parent: parentIn(pid) }));
  const found = [init];
  for (const one of found) {
    for (const { pid, parent } of parents) if (parent === one) found.push(pid);
  }
  return found;
}

function parentIn(pid: number): number | undefined {
  const text = readIfThere(`/proc/${pid}/status`);
  const parent = text && /^PPid:\s*(\d+)$/m.exec(text)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function pidNamespace(pid: number): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function directoriesIn(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `${path}/${name}`);
  } catch {
    // It has gone.
    return [];
  }
}

/** Undefined if there is no such file, or its group has gone meanwhile. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** A group that is being removed takes nothing any more, and needs nothing. */
function write(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { create: false });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isNoDevice(error)) return;
    throw error;
  }
}

/** ENODEV, for which the runtime has neither a class nor a code. */
function isNoDevice(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(os error 19)");
}
