import {
  findUser,
  type IdRange,
  readSubordinateIds,
  rootlessMap,
} from "../../sys/ids.ts";
import { findProgram } from "./process.ts";

export interface MapRequest {
  /** A process that waits in a user namespace without maps. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly path: string | undefined;
  readonly warn: (message: string) => void;
}

/**
 * Maps root of the namespace to the user, and further ids to the user's
 * subordinate ones. Where the host has none, the user alone is mapped, with a
 * warning.
 * @returns the map of user ids
 */
export async function writeIdMaps(request: MapRequest): Promise<IdRange[]> {
  const plan = planIdMaps(request);
  if (plan.kind === "ranges") {
    const reason = await runHelper(plan.newuidmap, request.pid, plan.uids) ??
      await runHelper(plan.newgidmap, request.pid, plan.gids);
    if (reason === undefined) return plan.uids;
    warnSingle(request, reason);
  } else {
    warnSingle(request, plan.reason);
  }
  return writeSingleMaps(request);
}

type Plan =
  | {
    readonly kind: "ranges";
    readonly newuidmap: string;
    readonly newgidmap: string;
    readonly uids: IdRange[];
    readonly gids: IdRange[];
  }
  | { readonly kind: "single"; readonly reason: string };

/** What the host allows the user to map, and by which programs. */
export function planIdMaps(
  { uid, gid, path }: Pick<MapRequest, "uid" | "gid" | "path">,
): Plan {
  const newuidmap = findProgram("newuidmap", path);
  const newgidmap = findProgram("newgidmap", path);
  if (newuidmap === undefined || newgidmap === undefined) {
    return single("newuidmap and newgidmap are not installed");
  }
  const owners = [String(uid), findUser(uid)?.name ?? ""].filter(Boolean);
  const uids = readSubordinateIds("uid", owners);
  const gids = readSubordinateIds("gid", owners);
  if (uids.length === 0) return single(`/etc/subuid has no entry for ${uid}`);
  if (gids.length === 0) return single(`/etc/subgid has no entry for ${uid}`);
  return {
    kind: "ranges",
    ...{ newuidmap, newgidmap },
    uids: rootlessMap(uid, uids),
    gids: rootlessMap(gid, gids),
  };
}

function single(reason: string): Plan {
  return { kind: "single", reason };
}

/** @returns the helper's complaint; undefined if it has mapped */
async function runHelper(
  program: string,
  pid: number,
  map: readonly IdRange[],
): Promise<string | undefined> {
  const numbers = map.flatMap(({ inside, outside, count }) =>
    [inside, outside, count].map(String)
  );
  const { success, stderr } = await new Deno.Command(program, {
    args: [String(pid), ...numbers],
    // The user may stand in a directory that this program may not enter.
    cwd: "/",
    ...{ stdin: "null", stdout: "null", stderr: "piped" },
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

function warnSingle({ warn }: MapRequest, reason: string): void {
  warn(
    `Only one user id can be used (${reason}): files of an image that belong ` +
      "to other users become yours, and containers can't switch users; " +
      "coracle doctor says how to change that",
  );
}

function writeSingleMaps({ pid, uid, gid }: MapRequest): IdRange[] {
  const line = (outside: number) => `0 ${outside} 1\n`;
  // newuidmap may have done its half before newgidmap failed.
  if (Deno.readTextFileSync(`/proc/${pid}/uid_map`) === "") {
    Deno.writeTextFileSync(`/proc/${pid}/uid_map`, line(uid));
  }
  Deno.writeTextFileSync(`/proc/${pid}/setgroups`, "deny");
  Deno.writeTextFileSync(`/proc/${pid}/gid_map`, line(gid));
  return rootlessMap(uid, []);
}
