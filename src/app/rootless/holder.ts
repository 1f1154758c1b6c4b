/**
 * The holder: a sleeping process that keeps the user and mount namespace of a
 * user's store alive between commands, so that they all see the same mounts.
 * Making the namespaces takes some programs; joining them takes one.
 */

import { EngineError, failedPrecondition } from "../../base/errors.ts";
import type { IdRange } from "../../sys/ids.ts";
import { writeWhole } from "../../sys/write_whole.ts";
import { planIdMaps, writeIdMaps } from "./id_maps.ts";
import {
  findProgram,
  isAlive,
  type NamespaceNames,
  namespaceNames,
  processesIn,
  type ProcessIdentity,
  processStartTime,
} from "./process.ts";

/** What the state directory remembers of the holder. */
export interface Holder extends ProcessIdentity {
  readonly bootId: string;
  readonly names: NamespaceNames;
  readonly uidMap: readonly IdRange[];
}

export interface HolderDeps {
  readonly uid: number;
  readonly gid: number;
  readonly stateDirectory: string;
  readonly path: string | undefined;
  readonly warn: (message: string) => void;
}

const FILE = "namespace.json";
const LOCK = "namespace.lock";

/** The running holder, if there is one; a few file reads. */
export function findHolder(stateDirectory: string): Holder | undefined {
  const holder = readHolder(stateDirectory);
  if (holder === undefined || holder.bootId !== bootId()) return undefined;
  // One that is just ending still has an id, but no namespaces.
  const names = namespaceNames(holder.pid);
  const isWhole = names?.user === holder.names.user &&
    names.mount === holder.names.mount;
  return isWhole && isAlive(holder) ? holder : undefined;
}

/**
 * True if the namespace maps one id only, though the host would map more by
 * now: an administrator has mended it since.
 */
export function isOutdated(
  holder: Holder,
  deps: Pick<HolderDeps, "uid" | "gid" | "path">,
): boolean {
  return holder.uidMap.length === 1 && planIdMaps(deps).kind === "ranges";
}

/** Finds the holder or starts one; two commands at once start only one. */
export async function ensureHolder(deps: HolderDeps): Promise<Holder> {
  using lock = await Deno.open(`${deps.stateDirectory}/${LOCK}`, {
    create: true,
    write: true,
    mode: 0o600,
  });
  await lock.lock(true);
  const found = findHolder(deps.stateDirectory);
  if (found !== undefined && !retire(found, deps)) return found;
  const holder = await reviveHolder(deps) ?? await startHolder(deps);
  writeHolder(deps.stateDirectory, holder);
  return holder;
}

/**
 * Ends the holder. The namespaces live on in the processes that are in them.
 * @returns false if there was none
 */
export function stopHolder(stateDirectory: string): boolean {
  const holder = findHolder(stateDirectory);
  if (holder === undefined) return false;
  Deno.kill(holder.pid, "SIGKILL");
  Deno.removeSync(`${stateDirectory}/${FILE}`);
  return true;
}

/**
 * Ends an outdated holder, unless something runs in its namespaces.
 * @returns true if a new one is wanted
 */
function retire(holder: Holder, deps: HolderDeps): boolean {
  if (!isOutdated(holder, deps)) return false;
  for (const pid of processesIn(holder.names)) {
    if (pid !== holder.pid) return false;
  }
  return stopHolder(deps.stateDirectory);
}

/** A holder was killed, but something else still runs in its namespaces. */
async function reviveHolder(deps: HolderDeps): Promise<Holder | undefined> {
  const lost = readHolder(deps.stateDirectory);
  if (lost === undefined || lost.bootId !== bootId()) return undefined;
  for (const pid of processesIn(lost.names)) {
    const nsenter = requireProgram("nsenter", deps.path);
    const join = ["-U", "-m", "-t", `${pid}`, "--preserve-credentials", "--"];
    const sleeper = await startSleeper(nsenter, [...join, "sh"]);
    await sleeper.release();
    return { ...lost, ...identityOf(sleeper.pid) };
  }
  return undefined;
}

async function startHolder(deps: HolderDeps): Promise<Holder> {
  const unshare = requireProgram("unshare", deps.path);
  // Mounts that the host makes or undoes later are followed, never pushed.
  const sleeper = await startSleeper(unshare, [
    ...["--user", "--mount", "--propagation", "slave"],
    ...["--", "sh"],
  ]);
  try {
    const uidMap = await writeIdMaps({ ...deps, pid: sleeper.pid });
    await sleeper.release();
    const names = namespaceNames(sleeper.pid);
    if (names === undefined) throw lostHolder();
    return {
      ...identityOf(sleeper.pid),
      ...{ bootId: bootId(), names, uidMap },
    };
  } catch (error) {
    await sleeper.kill();
    throw error;
  }
}

interface Sleeper {
  readonly pid: number;
  /** Tells it that its ids are mapped: from here on it is root inside. */
  release(): Promise<void>;
  kill(): Promise<void>;
}

/** Says a line, waits for one, sleeps: the `exec` is what makes it root. */
const SLEEP = 'echo ready; read -r _; exec sleep "$@" </dev/null ' +
  ">/dev/null 2>&1";

async function startSleeper(
  program: string,
  args: readonly string[],
): Promise<Sleeper> {
  const child = new Deno.Command(program, {
    args: [...args, "-c", SLEEP, "sh", "infinity"],
    cwd: "/",
    detached: true,
    // It outlives the command, so it gets nothing of its environment.
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const stdout = child.stdout.getReader();
  const { value } = await stdout.read();
  if (value === undefined) {
    const reason = (await new Response(child.stderr).text()).trim();
    await Promise.all([stdout.cancel(), child.stdin.abort(), child.status]);
    throw cannotUnshare(reason);
  }
  return {
    pid: child.pid,
    release: async () => {
      const stdin = child.stdin.getWriter();
      await stdin.write(new TextEncoder().encode("\n"));
      await stdin.close();
      // Both ends when the shell has become `sleep`.
      while (!(await stdout.read()).done) { /* nothing more is said */ }
      await child.stderr.cancel();
      child.unref();
    },
    kill: async () => {
      child.kill("SIGKILL");
      await Promise.all([
        ...[stdout.cancel(), child.stderr.cancel(), child.stdin.abort()],
        child.status,
      ]);
    },
  };
}

function cannotUnshare(reason: string): EngineError {
  return failedPrecondition(
    `Cannot make a user namespace: ${reason === "" ? "no reason" : reason}`,
    { hint: "Run coracle doctor, it says what this host is missing" },
  );
}

function lostHolder(): EngineError {
  return new EngineError(
    "unavailable",
    "Cannot keep a user namespace: its process has ended",
    { hint: "Try again" },
  );
}

export function requireProgram(
  name: string,
  path: string | undefined,
): string {
  const program = findProgram(name, path);
  if (program !== undefined) return program;
  throw failedPrecondition(`Cannot find the program "${name}"`, {
    hint: "Install util-linux: apt-get install util-linux",
  });
}

function identityOf(pid: number): ProcessIdentity {
  const startTime = processStartTime(pid);
  if (startTime === undefined) throw lostHolder();
  return { pid, startTime };
}

function readHolder(stateDirectory: string): Holder | undefined {
  try {
    const text = Deno.readTextFileSync(`${stateDirectory}/${FILE}`);
    return JSON.parse(text) as Holder;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof SyntaxError;
    if (isAbsent) return undefined;
    throw error;
  }
}

function writeHolder(stateDirectory: string, holder: Holder): void {
  writeWhole(`${stateDirectory}/${FILE}`, JSON.stringify(holder));
}

function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}
