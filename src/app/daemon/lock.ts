/**
 * One daemon at a time: whoever holds the lock on `daemon.lock` serves the
 * directory. The kernel lets go of it when the process ends, however it ends.
 * Commands and shims need no lock: the store arbitrates between them.
 */

import { failedPrecondition } from "../../base/errors.ts";

export interface LockHolder {
  readonly pid: number;
  /** Where it serves. */
  readonly address: string;
}

export const LOCK_FILE = "daemon.lock";

/**
 * @param directory which is there already
 * @throws {EngineError} `failedPrecondition` with the one who has the lock
 */
export function lockDirectory(
  directory: string,
  holder: LockHolder,
): Disposable {
  const path = `${directory}/${LOCK_FILE}`;
  const file = Deno.openSync(path, {
    read: true,
    write: true,
    create: true,
    mode: 0o600,
  });
  if (!file.tryLockSync(true)) {
    file.close();
    throw failedPrecondition(
      `Cannot serve "${directory}": ${describe(holderOf(directory))} does`,
      {
        hint: "Use that one, or stop it, or name another directory with " +
          "--root and --state",
      },
    );
  }
  // Over what was there, for which blanks are enough: to cut a file off can take
  // milliseconds of a disk that is busy.
  const size = file.seekSync(0, Deno.SeekMode.End);
  file.seekSync(0, Deno.SeekMode.Start);
  const text = JSON.stringify(holder).padEnd(size - 1);
  file.writeSync(new TextEncoder().encode(`${text}\n`));
  return file;
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
