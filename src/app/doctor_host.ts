import { type Cgroups, readCgroups } from "../sys/facts_cgroup.ts";
import {
  type KernelVersion,
  kernelVersion,
  type OwnCapabilities,
  ownCapabilities,
  readFact,
} from "../sys/facts.ts";
import { findUser, type Passwd } from "../sys/ids.ts";
import { mountOf } from "../sys/mount_info.ts";
import { installCommand, type Need } from "./doctor_packages.ts";
import { type PathOverrides, type StorePaths, storePaths } from "./paths.ts";
import { findProgram } from "./rootless/process.ts";

/** What the checks may ask the host; tests answer for hosts of other kinds. */
export interface DoctorHost {
  /** Id of the user who asks. */
  readonly uid: number;
  /** Whose rootless use is judged; unknown if root asks for nobody. */
  readonly user: Passwd | undefined;
  readonly env: (name: string) => string | undefined;
  readonly kernel: KernelVersion;
  readonly capabilities: OwnCapabilities;
  readonly cgroups: Cgroups;
  /** Store of root, and of the user. */
  readonly paths: {
    readonly root: StorePaths;
    readonly rootless: StorePaths | undefined;
  };
  /** A file's text without its last newline; undefined if unreadable. */
  readonly fact: (path: string) => string | undefined;
  /** Absolute path of a program. */
  readonly program: (name: string) => string | undefined;
  readonly file: (path: string) => Deno.FileInfo | undefined;
  /** Type of the file system on which `path` would be, `ext4`. */
  readonly fileSystem: (path: string) => string | undefined;
  readonly run: (argv: readonly string[]) => Promise<RunOutcome>;
  readonly canOpen: (path: string) => boolean;
  /** The distribution's command that installs a thing. */
  readonly install: (need: Need) => string;
}

export interface RunOutcome {
  readonly success: boolean;
  /** Both streams, trimmed. */
  readonly output: string;
}

/**
 * The host that this process runs on.
 * @param told where the store of the user who asks is, by the command line
 * @param configured by the configuration file
 */
export function thisHost(
  told: PathOverrides = {},
  configured: PathOverrides = {},
): DoctorHost {
  const env = (name: string) => Deno.env.get(name);
  const uid = Deno.uid() ?? 0;
  const user = subject(uid, env);
  const own = () => storePaths(env, uid, told, configured);
  return {
    uid,
    user,
    env,
    kernel: kernelVersion(),
    capabilities: ownCapabilities(),
    cgroups: readCgroups(),
    paths: {
      root: uid === 0 ? own() : storePaths(() => undefined, 0),
      rootless: user && uid !== 0
        ? own()
        : user && storePaths(environmentOf(user, uid, env), user.uid),
    },
    fact: readFact,
    program: (name) => findProgram(name, env("PATH")),
    file: fileInfo,
    fileSystem: (path) => mountOf(nearest(path))?.type,
    run,
    canOpen,
    install: (need) => installCommand(need, readFact("/etc/os-release")),
  };
}

/** The user who asks, or the one who asked by sudo. */
function subject(
  uid: number,
  env: (name: string) => string | undefined,
): Passwd | undefined {
  const id = uid === 0 ? Number(env("SUDO_UID") ?? "0") : uid;
  if (id === 0 || !Number.isSafeInteger(id)) return undefined;
  return findUser(id) ??
    { name: String(id), uid: id, gid: id, home: env("HOME") ?? "/" };
}

/** With sudo the variables are root's, so the user's are guessed. */
function environmentOf(
  user: Passwd,
  uid: number,
  env: (name: string) => string | undefined,
): (name: string) => string | undefined {
  if (uid === user.uid) return env;
  return (name) => name === "HOME" ? user.home : undefined;
}

function fileInfo(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    // Absent, or hidden from us: not usable either way.
    return undefined;
  }
}

/** `path`, or the directory above it that exists. */
export function nearest(path: string): string {
  let at = path;
  while (at !== "/" && fileInfo(at) === undefined) {
    at = at.slice(0, at.lastIndexOf("/")) || "/";
  }
  try {
    return Deno.realPathSync(at);
  } catch {
    return at;
  }
}

function canOpen(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

async function run(argv: readonly string[]): Promise<RunOutcome> {
  const [program = "", ...args] = argv;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  return { success, output: output.trim() };
}
