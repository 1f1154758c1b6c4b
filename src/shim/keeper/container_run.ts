/** One run of a container: from a start of its process to that one's end. */

import { failedPrecondition } from "../../base/errors.ts";
import type { KeepRequest } from "../../core/keeper.ts";
import type { ExitStatus } from "../../core/task.ts";
import { containerGroup, type ControlGroup } from "../../runtime/cgroup.ts";
import { recordedGroup } from "../../runtime/recorded_group.ts";
import { pidFile } from "../../runtime/started_status.ts";
import type { Poller } from "../../sys/poller.ts";
import { type ChildStatus, exitCodeOf } from "../../sys/process.ts";
import type { Reaper } from "../../sys/reaper.ts";
import { watchMemory } from "./memory_watch.ts";

export interface RunDeps {
  readonly poller: Poller;
  readonly reaper: Reaper;
  readonly now: () => Date;
}

/** What is to be known of it while it lasts. */
export interface RunWatch {
  /** Processes of its group were killed for want of memory. */
  noteOom(): void;
  /** @returns undefined if nobody probes it */
  watchHealth(): Promise<Disposable | undefined>;
}

export class ContainerRun {
  /** Undefined if it has none of its own. */
  readonly group: ControlGroup | undefined;
  readonly #deps: RunDeps;
  readonly #end: Promise<ChildStatus>;

  /** Before it is reaped: afterwards there is nothing to be known of it. */
  constructor(deps: RunDeps, { id, runtimeRoot }: KeepRequest, pid: number) {
    this.#deps = deps;
    // What is ending is in no group any more, or not in all of them.
    this.group = recordedGroup(`${runtimeRoot}/${id}`) ??
      containerGroup(pid, id);
    this.#end = deps.reaper.wait(pid);
  }

  async end(watch: RunWatch): Promise<ExitStatus> {
    const { poller, now } = this.#deps;
    const memory = this.group &&
      watchMemory(poller, this.group, () => watch.noteOom());
    const health = await watch.watchHealth();
    const exitCode = exitCodeOf(await this.#end);
    const exitedAt = now();
    health?.[Symbol.dispose]();
    memory?.[Symbol.dispose]();
    return { exitCode, exitedAt };
  }
}

/**
 * The process of one whose starter was killed before it could say so.
 * @throws {EngineError} `failedPrecondition` if nothing was started
 */
export function notedPid({ id, bundle }: KeepRequest): number {
  try {
    return Number(Deno.readTextFileSync(pidFile(bundle)));
  } catch (cause) {
    throw failedPrecondition(`Cannot keep "${id}": it was not started`, {
      cause,
    });
  }
}
