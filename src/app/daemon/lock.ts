/**
 * One daemon at a time: whoever holds the lock on `daemon.lock` serves the
 * directory. The kernel lets go of it when the process ends, however it ends.
 * Commands and shims need no lock: the store arbitrates between them.
 */

import {
  failedPrecondition,
  invalidArgument,
  isDiskFull,
} from "../../base/errors.ts";
import { type StorePaths, writingTo } from "../paths.ts";

export interface LockHolder {
  readonly pid: number;
  /** Where it serves. */
  readonly address: string;
}

export const LOCK_FILE = "daemon.lock";

/** Flag of a process of which the kernel is tidying up. */
const PF_EXITING = 0x4;
const PAUSE_MS = 20;
/** A child that is being started has it, too, until its program runs. */
const LEAST_TRIES = 5;
/** For a process that has been killed: the more memory, the longer it takes. */
const MOST_TRIES = 150;

/**
 * A daemon locks both, and would find itself in its way.
 * @throws {EngineError} `invalidArgument` if they are one directory
 */
export function checkApart({ root, state }: StorePaths): void {
  if (root !== state && !isSameFile(root, state)) return;
  throw invalidArgument(
    `Cannot use state directory "${state}": it is the root directory, too`,
    { hint: "Name different directories with --root and --state" },
  );
}

/** False if one of them is not there. */
function isSameFile(one: string, other: string): boolean {
  try {
    const [first, second] = [Deno.statSync(one), Deno.statSync(other)];
    return first.dev === second.dev && first.ino === second.ino;
  } catch {
    // Whoever makes the directory tells more.
    return false;
  }
}

/**
 * Waits for a daemon that is just ending, and for no other.
 * @param directory which is there already
 * @throws {EngineError} `failedPrecondition` with the one who has the lock;
 * `permissionDenied`
 */
export async function lockDirectory(
  directory: string,
  holder: LockHolder,
): Promise<Disposable> {
  const file = openLock(directory);
  if (!await isLocked(file, directory)) {
    file.close();
    throw failedPrecondition(
      `Cannot serve "${directory}": ${describe(holderOf(directory))} does`,
      {
        hint: "Use that one, or stop it, or name another directory with " +
          "--root and --state",
      },
    );
  }
  noteHolder(file, holder);
  return file;
}

function openLock(directory: string): Deno.FsFile {
  const path = `${directory}/${LOCK_FILE}`;
  const options = { read: true, write: true, create: true };
  const open = () => Deno.openSync(path, { ...options, mode: 0o600 });
  return writingTo(directory, open);
}

/** Only told to others: a full disk is no reason not to start. */
function noteHolder(file: Deno.FsFile, holder: LockHolder): void {
  try {
    writeHolder(file, holder);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function writeHolder(file: Deno.FsFile, holder: LockHolder): void {
  // Over what was there, for which blanks are enough: to cut a file off can take
  // milliseconds of a disk that is busy.
  const size = file.seekSync(0, Deno.SeekMode.End);
  file.seekSync(0, Deno.SeekMode.Start);
  const text = JSON.stringify(holder).padEnd(size - 1);
  file.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function isLocked(
  file: Deno.FsFile,
  directory: string,
): Promise<boolean> {
  for (let tries = 1; !file.tryLockSync(true); tries++) {
    const isHeld = tries >= LEAST_TRIES && !isEnding(holderOf(directory)?.pid);
    if (isHeld || tries >= MOST_TRIES) return false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return true;
}

/**
 * Whether a process has gone, or is on its way: it lets go of locks at the end.
 * @see proc_pid_stat(5)
 */
function isEnding(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = ""] = fields;
    return "ZX".includes(state) || (Number(fields[6]) & PF_EXITING) !== 0;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/** Who has said that it holds the lock; it need not be alive any more. */
export function holderOf(directory: string): LockHolder | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${directory}/${LOCK_FILE}`));
  } catch {
    // There is none, or it is about to say so.
    return undefined;
  }
}

function describe(holder: LockHolder | undefined): string {
  return holder === undefined
    ? "another daemon"
    : `the daemon with process id ${holder.pid}, at "${holder.address}",`;
}
