/**
 * Joining the PID namespace of another container of the daemon's. The number of
 * its process is asked for at each start, and may be that of another process by
 * the time that a runtime uses it: so what has come of it is looked at before
 * the user's program runs.
 */

import type { Context } from "../../base/context.ts";
import { unlessMissing } from "../../base/errors.ts";
import { joinedPath } from "../../core/shared_paths.ts";
import type { TaskService } from "../../core/task_service.ts";
import { cannotJoinPid, linkTo } from "../../runtime/shared_namespaces.ts";
import { closeFd, openToRead } from "../../sys/descriptors.ts";
import { notSeenHere } from "./same_place.ts";

type Tasks = Pick<TaskService, "get">;

/**
 * The namespace, kept in being, and a link in a bundle that leads to it. The
 * link names the process as the daemon does, who may count processes in another
 * way than we do; without the link, nothing is joined by whoever starts the
 * container in a way of his own. Disposing lets go of both.
 */
export class JoinedPids implements Disposable {
  readonly #tasks: Tasks;
  /** Of the other container. */
  readonly #id: string;
  readonly #pid: number;
  /** As /proc names it: `pid:[4026531836]`. */
  readonly #name: string;
  readonly #owned: DisposableStack;

  private constructor(
    tasks: Tasks,
    { id, pid, name, owned }: {
      readonly id: string;
      readonly pid: number;
      readonly name: string;
      readonly owned: DisposableStack;
    },
  ) {
    this.#tasks = tasks;
    this.#id = id;
    this.#pid = pid;
    this.#name = name;
    this.#owned = owned;
  }

  /**
   * @param bundle directory of the one that joins
   * @param id of the other container
   * @throws {EngineError} `failedPrecondition`, as without a daemon, if that does
   * not run
   */
  static async open(
    ctx: Context,
    tasks: Tasks,
    bundle: string,
    id: string,
  ): Promise<JoinedPids> {
    const pid = await runningPid(ctx, tasks, id);
    if (pid === undefined) throw cannotJoinPid(id);
    using owned = new DisposableStack();
    const name = await asRunning(ctx, tasks, { id, pid }, () => {
      const fd = seen(pid, openToRead);
      owned.defer(() => closeFd(fd));
      return seen(pid, Deno.readLinkSync);
    });
    owned.use(linkTo(namespacePath(pid), joinedPath(bundle, "pid")));
    return new JoinedPids(tasks, { id, pid, name, owned: owned.move() });
  }

  /**
   * Whether the first process of the one that joins has come where it should.
   * @param pid its number, which does not run its program yet
   * @throws {EngineError} `failedPrecondition` if it has not
   */
  async check(ctx: Context, pid: number): Promise<void> {
    const other = { id: this.#id, pid: this.#pid };
    const name = await asRunning(
      ...[ctx, this.#tasks, other] as const,
      () => seen(pid, Deno.readLinkSync),
    );
    if (name !== this.#name) throw notSeenHere(pid);
  }

  /** @returns what to throw: that the other one has ended, or `error` */
  async explain(ctx: Context, error: unknown): Promise<unknown> {
    const pid = await runningPid(ctx, this.#tasks, this.#id)
      .catch(() => this.#pid);
    return pid === this.#pid ? error : cannotJoinPid(this.#id);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/**
 * What `look` sees was true of this very process: it still runs afterwards.
 * @throws {EngineError} `failedPrecondition` if it does not
 */
async function asRunning<T>(
  ctx: Context,
  tasks: Tasks,
  { id, pid }: { readonly id: string; readonly pid: number },
  look: () => T,
): Promise<T> {
  let seen: { readonly value: T } | { readonly error: unknown };
  try {
    seen = { value: look() };
  } catch (error) {
    seen = { error };
  }
  if (await runningPid(ctx, tasks, id) !== pid) throw cannotJoinPid(id);
  if ("value" in seen) return seen.value;
  throw seen.error;
}

/** Undefined if the container does not run. */
async function runningPid(
  ctx: Context,
  tasks: Tasks,
  id: string,
): Promise<number | undefined> {
  const state = await unlessMissing(tasks.get(ctx, { id, execId: "" }));
  if (state === undefined) return undefined;
  const { status, pid } = state;
  const runs = ["running", "pausing", "paused"].includes(status);
  return runs && pid > 0 ? pid : undefined;
}

/** @throws {EngineError} `failedPrecondition` if there is no such process here */
function seen<T>(pid: number, look: (path: string) => T): T {
  try {
    return look(namespacePath(pid));
  } catch (error) {
    throw notSeenHere(pid, error);
  }
}

function namespacePath(pid: number): string {
  return `/proc/${pid}/ns/pid`;
}
