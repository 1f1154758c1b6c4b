/**
 * Joining a namespace of another container of the daemon's. The number of its
 * process is asked for at each start, and may be that of another process by the
 * time that a runtime uses it: so what has come of it is looked at before the
 * user's program runs.
 */

import type { Context } from "../../base/context.ts";
import { unlessMissing } from "../../base/errors.ts";
import { joinedPath } from "../../core/shared_paths.ts";
import type { TaskService } from "../../core/task_service.ts";
import {
  cannotJoin,
  type JoinedKind,
  linkTo,
} from "../../runtime/shared_namespaces.ts";
import { closeFd, openToRead } from "../../sys/descriptors.ts";
import { notSeenHere } from "./same_place.ts";

export type SeenTasks = Pick<TaskService, "get">;

export interface JoinedContainer {
  readonly kind: JoinedKind;
  /** Of the other container. */
  readonly id: string;
}

/** Another container with the process that it has now. */
interface JoinedProcess extends JoinedContainer {
  readonly pid: number;
}

/**
 * The namespace, kept in being, and a link in a bundle that leads to it. The
 * link names the process as the daemon does, who may count processes in another
 * way than we do; without the link, nothing is joined by whoever starts the
 * container in a way of his own. Disposing lets go of both.
 */
export class JoinedNamespace implements Disposable {
  readonly #tasks: SeenTasks;
  readonly #other: JoinedProcess;
  /** As /proc names it: `pid:[4026531836]`. */
  readonly #name: string;
  readonly #owned: DisposableStack;

  private constructor(
    tasks: SeenTasks,
    { other, name, owned }: {
      readonly other: JoinedProcess;
      readonly name: string;
      readonly owned: DisposableStack;
    },
  ) {
    this.#tasks = tasks;
    this.#other = other;
    this.#name = name;
    this.#owned = owned;
  }

  /**
   * @param bundle directory of the one that joins
   * @throws {EngineError} `failedPrecondition`, as without a daemon, if the other
   * one does not run
   */
  static async open(
    ctx: Context,
    tasks: SeenTasks,
    bundle: string,
    { kind, id }: JoinedContainer,
  ): Promise<JoinedNamespace> {
    const pid = await runningPid(ctx, tasks, id);
    if (pid === undefined) throw cannotJoin(kind, id);
    const other = { kind, id, pid };
    using owned = new DisposableStack();
    const name = await asRunning(ctx, tasks, other, () => {
      const fd = seen(other, openToRead);
      owned.defer(() => closeFd(fd));
      return seen(other, Deno.readLinkSync);
    });
    owned.use(linkTo(namespacePath(other), joinedPath(bundle, kind)));
    return new JoinedNamespace(tasks, { other, name, owned: owned.move() });
  }

  /**
   * What `look` sees of the other one's process was true of it.
   * @throws {EngineError} `failedPrecondition` if that does not run any more
   */
  async whileItRuns<T>(ctx: Context, look: (pid: number) => T): Promise<T> {
    const other = this.#other;
    return await asRunning(ctx, this.#tasks, other, () => look(other.pid));
  }

  /**
   * Whether the first process of the one that joins has come where it should.
   * @param pid its number, which does not run its program yet
   * @throws {EngineError} `failedPrecondition` if it has not
   */
  async check(ctx: Context, pid: number): Promise<void> {
    const { kind } = this.#other;
    const name = await this.whileItRuns(
      ctx,
      () => seen({ kind, pid }, Deno.readLinkSync),
    );
    if (name !== this.#name) throw notSeenHere(pid);
  }

  /** @returns what to throw: that the other one has ended, or `error` */
  async explain(ctx: Context, error: unknown): Promise<unknown> {
    const { kind, id, pid } = this.#other;
    const now = await runningPid(ctx, this.#tasks, id).catch(() => pid);
    return now === pid ? error : cannotJoin(kind, id);
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
  tasks: SeenTasks,
  { kind, id, pid }: JoinedProcess,
  look: () => T,
): Promise<T> {
  let seen: { readonly value: T } | { readonly error: unknown };
  try {
    seen = { value: look() };
  } catch (error) {
    seen = { error };
  }
  if (await runningPid(ctx, tasks, id) !== pid) throw cannotJoin(kind, id);
  if ("value" in seen) return seen.value;
  throw seen.error;
}

/** Undefined if the container does not run. */
async function runningPid(
  ctx: Context,
  tasks: SeenTasks,
  id: string,
): Promise<number | undefined> {
  const state = await unlessMissing(tasks.get(ctx, { id, execId: "" }));
  if (state === undefined) return undefined;
  const { status, pid } = state;
  const runs = ["running", "pausing", "paused"].includes(status);
  return runs && pid > 0 ? pid : undefined;
}

type NamespaceOf = Pick<JoinedProcess, "kind" | "pid">;

/** @throws {EngineError} `failedPrecondition` if there is no such process here */
function seen<T>(of: NamespaceOf, look: (path: string) => T): T {
  try {
    return look(namespacePath(of));
  } catch (error) {
    throw notSeenHere(of.pid, error);
  }
}

function namespacePath({ kind, pid }: NamespaceOf): string {
  return `/proc/${pid}/ns/${kind}`;
}
