/**
 * The shims of a daemon: started for tasks of its clients, found again when it
 * starts, cleaned up after when they die.
 */

import { background, cleanUp, type Context } from "../../base/context.ts";
import { EngineError, hasCode } from "../../base/errors.ts";
import { Lingering } from "../../base/lingering.ts";
import type { Logger } from "../../base/log.ts";
import type { Container } from "../../core/container.ts";
import type { Bundle, BundleStore, ExitStatus } from "../../core/task.ts";
import { NEW_STATUS } from "../../core/task_status.ts";
import type { TaskCreateRequest } from "../../core/task_service.ts";
import { readEndpoint } from "./bundle_files.ts";
import {
  createTask,
  type CreateTaskDeps,
  makeBundle,
  placeCheckpoint,
  type UnpackCheckpoint,
} from "./create_task.ts";
import {
  type DeadShimDeps,
  discard,
  finishDead,
  killedNow,
} from "./dead_shim.ts";
import { withDeadline } from "./deadline.ts";
import { KeptShim, keyOf } from "./kept_shim.ts";
import { launchFor, type LaunchForDeps } from "./launch_for.ts";
import { followShimLog, type ShimLog } from "./shim_log.ts";
import { stoppedStatus } from "./status.ts";
import type { ShimEndpoint } from "./wire.ts";

export interface DaemonShimsDeps
  extends LaunchForDeps, DeadShimDeps, CreateTaskDeps {
  readonly bundles: BundleStore;
  readonly log: Logger;
}

/** A shim that has just died may still have to be cleaned up after. */
const CLEAN_UP_MS = 15_000;
/** What a task may take to be created when nobody waits for it any more. */
const LINGER_MS = 10_000;
/** Of a shim that is alive, however busy. */
const LOAD_MS = 5_000;

export class DaemonShims implements Disposable {
  readonly #deps: DaemonShimsDeps;
  readonly #shims = new Map<string, KeptShim>();
  #isOver = false;

  constructor(deps: DaemonShimsDeps) {
    this.#deps = deps;
  }

  find(namespace: string, id: string): KeptShim | undefined {
    return this.#shims.get(keyOf({ namespace, id }));
  }

  of(namespace: string): readonly KeptShim[] {
    return [...this.#shims.values()]
      .filter(({ ref }) => ref.namespace === namespace);
  }

  /**
   * Makes the bundle, starts its shim and has it create the task.
   * @param unpack puts a checkpoint into a directory
   * @throws {EngineError}
   */
  async create(
    ctx: Context,
    container: Container,
    request: TaskCreateRequest,
    unpack: UnpackCheckpoint,
  ): Promise<number> {
    const runtime = request.runtimePath || container.runtime.name;
    const bundle = makeBundle(ctx, this.#deps.bundles, container, runtime);
    using owned = new DisposableStack();
    try {
      const { wire } = this.#deps;
      const checkpoint = await placeCheckpoint(wire, bundle, request, unpack);
      const log = owned.use(this.#follow(bundle));
      const endpoint = await launchFor(this.#deps, bundle, runtime);
      const shim = await this.#keep(ctx, bundle, endpoint, log);
      owned.move();
      shim.isCreating = true;
      try {
        // The shim would go on with what we do not wait for.
        using lingering = new Lingering(ctx, LINGER_MS);
        const pid = await createTask(lingering.ctx, this.#deps, shim, {
          ...{ request, checkpoint },
          runtime: { ...container.runtime, name: runtime },
        });
        if (ctx.signal.aborted) await deleteUnwanted(ctx, shim);
        return pid;
      } catch (error) {
        await cleanUp(ctx, CLEAN_UP_MS, (ctx) => this.#end(ctx, shim));
        throw error;
      } finally {
        shim.isCreating = false;
      }
    } catch (error) {
      await cleanUp(
        ctx,
        CLEAN_UP_MS,
        (ctx) => discard(ctx, this.#deps, bundle),
      );
      const { code, message, hint } = EngineError.from(error);
      throw new EngineError(code, `failed to create shim task: ${message}`, {
        cause: error,
        ...hint === undefined ? {} : { hint },
      });
    }
  }

  /** Takes up the shims that live; commands have finished the others. */
  async adopt(): Promise<void> {
    const { bundles, log } = this.#deps;
    const ctx = background({ log });
    const found = [...bundles.list(ctx)]
      .filter(({ record }) => record.removal === "byClient");
    await Promise.all(found.map(async ({ record, path }) => {
      const bundle = bundles.join(ctx, record);
      if (bundle === undefined) return;
      try {
        await this.#take({ ...ctx, namespace: record.namespace }, bundle);
      } catch (error) {
        log.warn("Cannot take up a shim", { id: record.id, path, error });
        bundle[Symbol.dispose]();
      }
    }));
  }

  /** The task has been deleted: its shim and its bundle go. */
  async remove(ctx: Context, shim: KeptShim): Promise<void> {
    const { bundle } = shim;
    await cleanUp(ctx, CLEAN_UP_MS, async (ctx) => {
      const ended = this.#end(ctx, shim);
      // Ours needs its bundle no more; others may look for their socket there.
      if (!this.#deps.isOurs(bundle.record.runtime)) await ended;
      await discard(ctx, this.#deps, bundle);
    });
  }

  /** A shim has told that a task was deleted, by whomever. */
  heardDelete(namespace: string, id: string): void {
    const shim = this.find(namespace, id);
    if (shim !== undefined) shim.told = "deleted";
  }

  /** A shim has told how a task ended: commands see it in the bundle. */
  heardExit(
    namespace: string,
    id: string,
    pid: number,
    exit: ExitStatus,
  ): void {
    const shim = this.find(namespace, id);
    if (shim === undefined || shim.told !== "running") return;
    shim.told = "exited";
    shim.bundle.writeStatus(
      stoppedStatus({ ...NEW_STATUS, ...shim.bundle.status(), pid }, exit),
    );
  }

  async #keep(
    ctx: Context,
    bundle: Bundle,
    endpoint: ShimEndpoint,
    log: ShimLog,
  ): Promise<KeptShim> {
    const connection = await this.#deps.wire.connect(ctx, endpoint);
    const shim = new KeptShim(bundle, connection, log);
    this.#shims.set(keyOf(shim.ref), shim);
    void connection.closed.then(() => this.#lost(shim));
    return shim;
  }

  /** To be done before there is a shim that opens it. */
  #follow({ path, record: { namespace, id } }: Bundle): ShimLog {
    const { poller, log } = this.#deps;
    return followShimLog(poller, log.with({ id, namespace }), path);
  }

  async #take(ctx: Context, bundle: Bundle): Promise<void> {
    const endpoint = readEndpoint(bundle.path);
    const { id } = bundle.record;
    using owned = new DisposableStack();
    try {
      if (endpoint === undefined) throw notStarted(id);
      const log = owned.use(this.#follow(bundle));
      const shim = await this.#keep(ctx, bundle, endpoint, log);
      owned.move();
      const state = await withDeadline(
        ctx,
        LOAD_MS,
        (ctx) => shim.connection.state(ctx, { id, execId: "" }),
      );
      if (state.status === "stopped") shim.told = "exited";
    } catch (error) {
      // One that is held up still keeps its container.
      if (!hasCode(error, "unavailable", "notFound")) throw error;
      if (this.find(bundle.record.namespace, id) === undefined) {
        await finishDead(ctx, this.#deps, bundle, "running");
      } else await this.#endEmpty(ctx, id);
    }
  }

  /** Its daemon was killed before the task was created. */
  async #endEmpty(ctx: Context, id: string): Promise<void> {
    const shim = this.find(ctx.namespace, id);
    if (shim !== undefined) await this.remove(ctx, shim);
  }

  async #end(ctx: Context, shim: KeptShim): Promise<void> {
    shim.isLeaving = true;
    this.#shims.delete(keyOf(shim.ref));
    using _log = shim.log;
    const { connection, ref: { id } } = shim;
    // It may be gone before it has answered.
    await connection.shutdown(ctx, { id, when: "idle" }).catch(() => {});
    await connection[Symbol.asyncDispose]();
  }

  async #lost(shim: KeptShim): Promise<void> {
    if (shim.isLeaving || this.#isOver) return;
    using _log = shim.log;
    const { bundle, ref, told } = shim;
    const { log } = this.#deps;
    const ctx = background({ log, namespace: ref.namespace });
    this.#shims.delete(keyOf(ref));
    if (told !== "deleted") {
      log.warn("A shim has died: cleaning up after it", { ...ref });
    }
    try {
      shim.endedWith(await finishDead(ctx, this.#deps, bundle, told));
    } catch (error) {
      log.error("Cannot clean up after a shim", { ...ref, error });
      bundle[Symbol.dispose]();
      shim.endedWith(killedNow(this.#deps));
    }
  }

  /** The shims live on. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    const open = [...this.#shims.values()];
    this.#shims.clear();
    for (const { connection, bundle, log } of open) {
      log[Symbol.dispose]();
      void connection[Symbol.asyncDispose]();
      bundle[Symbol.dispose]();
    }
  }
}

/** Nobody has heard that it was created. @throws why not */
async function deleteUnwanted(ctx: Context, shim: KeptShim): Promise<never> {
  await cleanUp(ctx, CLEAN_UP_MS, async (ctx) => {
    await shim.connection.delete(ctx, { id: shim.ref.id, execId: "" });
  });
  throw ctx.signal.reason;
}

function notStarted(id: string): EngineError {
  return new EngineError("notFound", `Cannot find the shim of task "${id}"`);
}
