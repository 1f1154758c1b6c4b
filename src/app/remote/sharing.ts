/**
 * What a container that a daemon runs shares with others: namespaces, and the
 * memory at `/dev/shm`, which is mounted here, in the bundle of its owner. Who
 * finishes that bundle unmounts it; those who have joined keep it in being.
 */

import type { Context } from "../../base/context.ts";
import {
  type AskedSharing,
  joinedPath,
  SHARED_MEMORY,
} from "../../core/shared_paths.ts";
import type { Spec } from "../../oci/runtime_spec.ts";
import { cannotShareMemory, linkTo } from "../../runtime/shared_namespaces.ts";
import {
  deviceSeenBy,
  memorySeenBy,
  renewMemory,
  type SharedMemory,
} from "../../runtime/shared_memory.ts";
import {
  type JoinedContainer,
  JoinedNamespace,
  type SeenTasks,
} from "./joined_namespace.ts";
import { memoryPaths, type MemoryPathsDeps } from "./memory_paths.ts";
import { notSeenThere } from "./same_place.ts";

export interface SharingDeps extends MemoryPathsDeps {
  readonly tasks: SeenTasks;
}

interface Parts {
  readonly joined: readonly JoinedNamespace[];
  /** Its path is where the spec finds it. */
  readonly memory: SharedMemory | undefined;
  readonly owned: DisposableStack;
}

/**
 * Ready for the start of one container. Disposing, once it has joined, takes
 * away what led to the others; memory of its own stays.
 */
export class Sharing implements Disposable {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param bundle directory of the one that is started
   * @throws {EngineError} `failedPrecondition`, as without a daemon, if another
   * one does not run, or has nothing to share
   */
  static async open(
    ctx: Context,
    deps: SharingDeps,
    bundle: string,
    asked: AskedSharing,
  ): Promise<Sharing> {
    using owned = new DisposableStack();
    const joined: JoinedNamespace[] = [];
    const join = async (other: JoinedContainer) => {
      const it = await JoinedNamespace.open(ctx, deps.tasks, bundle, other);
      joined.push(owned.use(it));
      return it;
    };
    const { joins = {}, shareable } = asked;
    let memory = shareable && renewMemory(bundle, shareable.shmBytes);
    if (joins.pid !== undefined) await join({ kind: "pid", id: joins.pid });
    if (joins.ipc !== undefined) {
      const { ipc: id } = joins;
      const other = await join({ kind: "ipc", id });
      const paths = await memoryPaths(ctx, deps, id);
      const its = await other.whileItRuns(
        ctx,
        (pid) => memorySeenBy(pid, paths),
      );
      if (its === undefined) throw cannotShareMemory(id);
      const link = joinedPath(bundle, "shm");
      owned.use(linkTo(its.path, link));
      memory = { path: link, device: its.device };
    }
    return new Sharing({ joined, memory, owned: owned.move() });
  }

  /**
   * Whether the first process of the container has come where it should, and
   * sees the memory, of which a daemon with mounts of its own knows nothing.
   * @param pid its number, which does not run its program yet
   * @throws {EngineError} `failedPrecondition` if it has not
   */
  async check(ctx: Context, pid: number, spec: Spec): Promise<void> {
    const { joined, memory } = this.#parts;
    for (const other of joined) await other.check(ctx, pid);
    // The user may have asked for another one there.
    const isAsked = spec.mounts?.some(({ destination, source }) =>
      destination === SHARED_MEMORY && source === memory?.path
    );
    if (memory === undefined || isAsked !== true) return;
    if (deviceSeenBy(pid) !== memory.device) throw notSeenThere(memory.path);
  }

  /** @returns what to throw: that another one has ended, or `error` */
  async explain(ctx: Context, error: unknown): Promise<unknown> {
    for (const other of this.#parts.joined) {
      const why = await other.explain(ctx, error);
      if (why !== error) return why;
    }
    return error;
  }

  [Symbol.dispose](): void {
    this.#parts.owned.dispose();
  }
}
