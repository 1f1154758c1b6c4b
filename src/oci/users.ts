/**
 * Who runs in the container: `name`, `uid`, `user:group`, looked up in the
 * image's own `/etc/passwd` and `/etc/group`. The meanings, and the words of
 * the errors, are docker's.
 */

import { invalidArgument } from "../base/errors.ts";
import type { SpecUser } from "./runtime_spec.ts";

/** A line of passwd(5). */
interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A line of group(5). */
interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The texts of the image's files; empty where there are none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface ResolvedUser {
  readonly user: SpecUser;
  /** Those of the further groups that were asked for. */
  readonly addedGids: readonly number[];
  /** For HOME; `/` if the user has none. */
  readonly home: string;
}

/** Ids are 31 bits: those above mean other things in places. */
const MAX_ID = 0x7fff_ffff;

/**
 * @param wanted `""` (root), `user`, `uid`, `user:group`, `uid:gid`, …
 * @param groupAdd more groups, names or numbers
 * @throws {EngineError} `invalidArgument` if a name is not in the files
 */
export function resolveUser(
  wanted: string,
  groupAdd: readonly string[],
  files: UserFiles,
): ResolvedUser {
  const colon = wanted.indexOf(":");
  const userPart = colon < 0 ? wanted : wanted.slice(0, colon);
  const groupPart = colon < 0 ? "" : wanted.slice(colon + 1);
  const groups = parseGroup(files.group);
  const account = findUser(userPart, parsePasswd(files.passwd));
  const gid = groupPart === "" ? account.gid : findGroup(groupPart, groups);
  // A group that is named replaces those that the user is listed in.
  const listed = groupPart === "" && account.name !== undefined
    ? groups.filter(({ members }) => members.includes(account.name ?? ""))
    : [];
  const more = groupAdd.map((group) => findGroup(group, groups));
  // Its own group as well: what denies something to that one could be had by
  // giving the group up, as every process may (CVE-2022-36109 of docker).
  const all = new Set([gid, ...listed.map((group) => group.gid), ...more]);
  return {
    user: { uid: account.uid, gid, additionalGids: [...all] },
    addedGids: more,
    home: account.home === "" ? "/" : account.home,
  };
}

interface Account {
  readonly name?: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findUser(part: string, users: readonly PasswdEntry[]): Account {
  const text = part === "" ? "0" : part;
  // As libc: a name that looks like a number is still a name if it is listed.
  const named = users.find(({ name }) => name === text);
  if (named !== undefined) return named;
  const uid = parseId(text);
  if (uid === undefined) {
    throw invalidArgument(
      `unable to find user ${text}: no matching entries in passwd file`,
      { hint: "Use a user of the image's /etc/passwd, or a number" },
    );
  }
  return users.find((user) => user.uid === uid) ?? { uid, gid: 0, home: "/" };
}

function findGroup(part: string, groups: readonly GroupEntry[]): number {
  const named = groups.find(({ name }) => name === part);
  const gid = named?.gid ?? parseId(part);
  if (gid === undefined) {
    throw invalidArgument(
      `unable to find group ${part}: no matching entries in group file`,
      { hint: "Use a group of the image's /etc/group, or a number" },
    );
  }
  return gid;
}

/** Undefined if `text` is not a number. @throws if it is too large */
function parseId(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > MAX_ID) {
    throw invalidArgument(
      `uids and gids must be in range 0-${MAX_ID}: "${text}"`,
    );
  }
  return id;
}

/** Lines that don't parse are passed over, as libc does. */
function parsePasswd(text: string): readonly PasswdEntry[] {
  return fieldsOf(text).flatMap(([name, , uid, gid, , home]) =>
    name === undefined || !isId(uid) || !isId(gid)
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid), home: home ?? "" }]
  );
}

function parseGroup(text: string): readonly GroupEntry[] {
  return fieldsOf(text).flatMap(([name, , gid, members]) =>
    name === undefined || !isId(gid) ? [] : [{
      name,
      gid: Number(gid),
      members: (members ?? "").split(",").filter((member) => member !== ""),
    }]
  );
}

function isId(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= MAX_ID;
}

function fieldsOf(text: string): readonly (readonly string[])[] {
  return text.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":").map((field) => field.trim()));
}
