/**
 * Where the store lives: `root` survives a reboot, `state` does not.
 *
 * | | root | state |
 * |---|---|---|
 * | told | `--root`, `CORACLE_ROOT`, configuration | `--state`, `CORACLE_STATE`, configuration |
 * | uid 0 | `/var/lib/coracle` | `/run/coracle` |
 * | others | `$XDG_DATA_HOME/coracle`, `~/.local/share/coracle` | `$XDG_RUNTIME_DIR/coracle`, `/run/user/UID/coracle`, `/tmp/coracle-run-UID` |
 */

import {
  EngineError,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "../base/errors.ts";

export interface StorePaths {
  /** Images, snapshots and the database. */
  readonly root: string;
  /** Bundles, sockets and mount points. */
  readonly state: string;
}

/** Directory of all volumes. */
export function volumesPath({ root }: StorePaths): string {
  return `${root}/volumes`;
}

/** Directory of what containers have on disk beside their layers. */
export function containersPath({ root }: StorePaths): string {
  return `${root}/containers`;
}

export type PathOverrides = Partial<StorePaths>;

type Env = (name: string) => string | undefined;

/**
 * @param uid the user's id as the host knows it, not 0 in a user namespace of
 * our own making (see `rootless/identity.ts`)
 * @param flags what the command line says: beats the environment
 * @param configured what the configuration file says: the environment beats it
 * @throws {EngineError} `invalidArgument` if a path is not absolute;
 * `failedPrecondition` if the user has no home
 */
export function storePaths(
  env: Env,
  uid: number,
  flags: PathOverrides = {},
  configured: PathOverrides = {},
): StorePaths {
  const root = flags.root ?? nonEmpty(env("CORACLE_ROOT")) ?? configured.root ??
    defaultRoot(env, uid);
  const state = flags.state ?? nonEmpty(env("CORACLE_STATE")) ??
    configured.state ?? defaultState(env, uid);
  return {
    root: absolute("root directory", root),
    state: absolute("state directory", state),
  };
}

function defaultRoot(env: Env, uid: number): string {
  if (uid === 0) return "/var/lib/coracle";
  const data = nonEmpty(env("XDG_DATA_HOME"));
  if (data?.startsWith("/")) return `${data}/coracle`;
  const home = nonEmpty(env("HOME"));
  if (home === undefined) {
    throw failedPrecondition(`Cannot find the home of user "${uid}"`, {
      hint: "Set HOME, or name the store with --root or CORACLE_ROOT",
    });
  }
  return `${home}/.local/share/coracle`;
}

function defaultState(env: Env, uid: number): string {
  if (uid === 0) return "/run/coracle";
  const runtime = nonEmpty(env("XDG_RUNTIME_DIR"));
  if (runtime?.startsWith("/")) return `${runtime}/coracle`;
  // `su` and cron leave the variable out; the login session's directory is
  // still the one in which the user's other commands look.
  const session = `/run/user/${uid}`;
  return isOwnedBy(session, uid)
    ? `${session}/coracle`
    : `/tmp/coracle-run-${uid}`;
}

/**
 * Where an ordinary user's configuration is. As the XDG specification says, a
 * variable that is empty or a relative path counts as unset.
 */
export function configHome(env: Env): string {
  const config = nonEmpty(env("XDG_CONFIG_HOME"));
  return config?.startsWith("/") ? config : `${env("HOME") ?? ""}/.config`;
}

function isOwnedBy(path: string, uid: number): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isDirectory && info.uid === uid;
  } catch {
    return false;
  }
}

function makeDirectory(
  what: keyof StorePaths,
  path: string,
  mode: number,
): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode });
  } catch (cause) {
    const { code, message } = EngineError.from(cause);
    // The kernel's words, without number and call.
    const why = message.replace(/ \(os error .*$/s, "");
    throw new EngineError(
      code,
      `Cannot make ${what} directory "${path}": ${why}`,
      {
        hint:
          `Name another one with --${what} or CORACLE_${what.toUpperCase()}`,
        cause,
      },
    );
  }
}

/**
 * @param directory of the store in which `write` makes a file
 * @throws {EngineError} `permissionDenied` if the user may not
 */
export function writingTo<T>(directory: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new EngineError(
      "permissionDenied",
      `Cannot write to directory "${directory}": permission denied`,
      {
        hint: "Run it as the directory's owner, or name others with --root " +
          "and --state",
        cause,
      },
    );
  }
}

/**
 * Makes both directories, readable by their owner only where others could
 * interfere, and checks that the state directory is nobody else's: in `/tmp`
 * another user might have made it first.
 *
 * @param owner id of the user who owns the directories, seen from here: 0 in
 * a user namespace that maps the user to root
 * @throws {EngineError} `failedPrecondition` if it belongs to somebody else
 */
export function ensureStorePaths(paths: StorePaths, owner: number): void {
  makeDirectory("root", paths.root, 0o711);
  makeDirectory("state", paths.state, 0o700);
  const info = Deno.lstatSync(paths.state);
  if (info.isDirectory && info.uid === owner) return;
  throw failedPrecondition(
    `Cannot use state directory "${paths.state}": it belongs to user ` +
      `${info.uid}`,
    { hint: "Remove it, or name another one with --state or CORACLE_STATE" },
  );
}

/**
 * Says whether a store is where it should be, for those who are not to make it.
 * @param database its own; a store of what a daemon has over there has none
 * @throws {EngineError} `notFound`
 */
export function assertStoreExists(
  { root, state }: StorePaths,
  database: "own" | "remote",
): void {
  const files = [database === "own" ? `${root}/meta.db` : root, state];
  for (const path of files) {
    try {
      Deno.statSync(path);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw notFound("store", path, { cause });
    }
  }
}

function absolute(what: string, path: string): string {
  if (path.startsWith("/")) return path.replace(/(?<=.)\/+$/, "");
  throw invalidArgument(`Cannot use ${what} "${path}": not an absolute path`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
