/**
 * Pauses as files in a directory of the state, each locked with flock(2) by
 * the process that made it: the kernel gives the lock back when that has gone.
 */

import type { AbandonedPause, PauseStore } from "../core/pauses.ts";
import type { TaskRef } from "../core/task.ts";
import { namesIn } from "../sys/names_in.ts";

/** Not locked yet. */
const UNFINISHED_PREFIX = ".";

/** @param directory made when it is needed */
export function createPauses(directory: string): PauseStore {
  return {
    hold(task) {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      const name = crypto.randomUUID();
      const unfinished = `${directory}/${UNFINISHED_PREFIX}${name}`;
      const path = `${directory}/${name}`;
      const { namespace, id } = task;
      const text = JSON.stringify({ namespace, id } satisfies TaskRef);
      Deno.writeTextFileSync(unfinished, text);
      const lock = Deno.openSync(unfinished, { write: true });
      lock.lockSync(true);
      // Locked before it can be seen: nobody takes it for abandoned.
      Deno.renameSync(unfinished, path);
      return forgotten(path, lock);
    },

    *abandoned() {
      for (const name of namesIn(directory)) {
        if (name.startsWith(UNFINISHED_PREFIX)) continue;
        const pause = take(`${directory}/${name}`);
        if (pause !== undefined) yield pause;
      }
    },
  };
}

/** Undefined if somebody holds it, or it has just gone. */
function take(path: string): AbandonedPause | undefined {
  let lock: Deno.FsFile;
  try {
    lock = Deno.openSync(path, { write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const task = lock.tryLockSync(true) ? readTask(path) : undefined;
  if (task === undefined) lock.close();
  return task && { task, ...forgotten(path, lock) };
}

function readTask(path: string): TaskRef | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function forgotten(path: string, lock: Deno.FsFile): Disposable {
  return {
    [Symbol.dispose]() {
      using _lock = lock;
      Deno.removeSync(path);
    },
  };
}
