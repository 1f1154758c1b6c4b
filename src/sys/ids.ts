/** Ids of the host that stand for ids inside. @see user_namespaces(7) */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The whole range of ids, of which the last one means "none". */
const ALL_IDS = 0xffff_ffff;

/** Parses `/proc/PID/uid_map`. */
export function parseIdMap(text: string): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    return count === undefined || outside === undefined || inside === undefined
      ? []
      : [{ inside, outside, count }];
  });
}

/** The user id map of a process; empty if there is none (yet). */
export function readUidMap(pid: number | "self" = "self"): IdRange[] {
  return parseIdMap(Deno.readTextFileSync(`/proc/${pid}/uid_map`));
}

/** True for the map of the host's own user namespace. */
export function isInitialMap(map: readonly IdRange[]): boolean {
  const [first] = map;
  return map.length === 1 && first?.inside === 0 && first.outside === 0 &&
    first.count === ALL_IDS;
}

/** True if this process is in a user namespace other than the host's. */
export function inUserNamespace(): boolean {
  return !isInitialMap(readUidMap());
}

/** Subordinate ids that a user may map. @see subuid(5) */
export interface SubordinateRange {
  readonly start: number;
  readonly count: number;
}

/**
 * Parses `/etc/subuid` or `/etc/subgid`.
 * @param owners the user's name and id: an entry may hold either
 */
export function parseSubordinateIds(
  text: string,
  owners: readonly string[],
): SubordinateRange[] {
  return text.split("\n").flatMap((line) => {
    const [owner = "", start = "", count = ""] = line.trim().split(":");
    const range = { start: Number(start), count: Number(count) };
    return owners.includes(owner) && range.count > 0 &&
        Number.isSafeInteger(range.start)
      ? [range]
      : [];
  });
}

/** Subordinate user and group ids of a user; none where the file is missing. */
export function readSubordinateIds(
  kind: "uid" | "gid",
  owners: readonly string[],
): SubordinateRange[] {
  try {
    const text = Deno.readTextFileSync(`/etc/sub${kind}`);
    return parseSubordinateIds(text, owners);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/**
 * The map of a rootless namespace: 0 is the user, 1 and up are the user's
 * subordinate ids, one range after the other.
 */
export function rootlessMap(
  id: number,
  ranges: readonly SubordinateRange[],
): IdRange[] {
  const map: IdRange[] = [{ inside: 0, outside: id, count: 1 }];
  let inside = 1;
  for (const { start, count } of ranges) {
    map.push({ inside, outside: start, count });
    inside += count;
  }
  return map;
}

export interface Passwd {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The host's entry for a user id, from `/etc/passwd` alone. */
export function findUser(uid: number): Passwd | undefined {
  const text = Deno.readTextFileSync("/etc/passwd");
  for (const line of text.split("\n")) {
    const [name = "", , id, gid, , home = ""] = line.split(":");
    if (Number(id) === uid && id !== "" && name !== "") {
      return { name, uid, gid: Number(gid), home };
    }
  }
  return undefined;
}
