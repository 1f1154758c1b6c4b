/** The task service of a daemon, each task behind a shim of its own. */

import type { Context } from "../../base/context.ts";
import { EngineError, hasCode, invalidArgument } from "../../base/errors.ts";
import { parseFilters } from "../../base/filters.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import { Lingering } from "../../base/lingering.ts";
import type { ContainerStore } from "../../core/container.ts";
import type {
  ProcessRef,
  ShimExecRequest,
  ShimProcessInfo,
  ShimProcessState,
  ShimService,
} from "../../core/shim.ts";
import type { ExitStatus } from "../../core/task.ts";
import type {
  DeletedProcess,
  TaskCreateRequest,
  TaskMetrics,
  TaskService,
} from "../../core/task_service.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { DaemonShims } from "./daemon_shims.ts";
import { withDeadline } from "./deadline.ts";
import type { KeptShim } from "./kept_shim.ts";
import type { OtherTasks } from "./other_tasks.ts";
import { runningStatus } from "./status.ts";

export interface DaemonTasksDeps {
  readonly containers: ContainerStore;
  readonly shims: DaemonShims;
  /** What the command line has started. */
  readonly others: OtherTasks;
  readonly checkpoints: Checkpoints;
  /** One more has begun or ended: another one may follow. */
  readonly changed: (change: "started" | "deleted") => void;
  readonly now: () => Date;
}

/** Images of processes between the content store and directories. */
export interface Checkpoints {
  /**
   * Puts one into a directory that is there.
   * @throws {EngineError} `invalidArgument` for what is no checkpoint;
   * `notFound`; `dataLoss`
   */
  unpack(
    ctx: Context,
    descriptor: Descriptor,
    directory: string,
  ): Promise<void>;
  /** Lets `shim` write one, and stores it. */
  take(
    ctx: Context,
    shim: ShimService,
    request: Parameters<TaskService["checkpoint"]>[1],
  ): ReturnType<TaskService["checkpoint"]>;
}

/** What is begun comes to an end, although the caller has gone. */
const LINGER_MS = 10_000;

/** Of a shim that is to say how it is doing. */
const STATE_MS = 2_000;

export function createDaemonTasks(deps: DaemonTasksDeps): TaskService {
  return new DaemonTasks(deps);
}

class DaemonTasks implements TaskService {
  readonly #deps: DaemonTasksDeps;

  constructor(deps: DaemonTasksDeps) {
    this.#deps = deps;
  }

  async create(ctx: Context, request: TaskCreateRequest): Promise<number> {
    const { containers, shims, checkpoints } = this.#deps;
    const container = await containers.get(ctx, request.id);
    return await shims.create(
      ctx,
      container,
      request,
      (...args) => checkpoints.unpack(ctx, ...args),
    );
  }

  async start(ctx: Context, process: ProcessRef): Promise<number> {
    const { shims, now, changed } = this.#deps;
    using lingering = new Lingering(ctx, LINGER_MS);
    const pid = await this.#use(
      ctx,
      process.id,
      (shim) => shim.start(lingering.ctx, process),
    );
    const kept = shims.find(ctx.namespace, process.id);
    if (kept !== undefined && process.execId === "") {
      noteStart(kept, pid, now());
      changed("started");
    }
    return pid;
  }

  async delete(ctx: Context, process: ProcessRef): Promise<DeletedProcess> {
    const { id, execId } = process;
    const kept = this.#deps.shims.find(ctx.namespace, id);
    const remove = async () => {
      if (kept === undefined || execId !== "") return;
      await this.#deps.shims.remove(ctx, kept);
      this.#deps.changed("deleted");
    };
    // Half deleted, it would be nobody's.
    using lingering = new Lingering(ctx, LINGER_MS);
    const deleted = await this.#use(
      ctx,
      id,
      (shim) => shim.delete(lingering.ctx, process),
    ).catch(async (error) => {
      // What died in the middle of this has left its shim without a task.
      if (hasCode(error, "notFound") && !kept?.isCreating) await remove();
      throw error;
    });
    await remove();
    return { ...deleted, id: execId || id };
  }

  async get(ctx: Context, process: ProcessRef): Promise<ShimProcessState> {
    const state = await this.#use(
      ctx,
      process.id,
      (shim) => withDeadline(ctx, STATE_MS, (ctx) => shim.state(ctx, process)),
    );
    return { ...state, id: process.id, execId: process.execId };
  }

  async *list(ctx: Context): AsyncIterable<ShimProcessState> {
    for (const id of this.#ids(ctx)) {
      try {
        yield await this.get(ctx, { id, execId: "" });
      } catch (error) {
        // It has just gone, or says nothing.
        if (!isSilence(error)) throw error;
        ctx.log.debug("Leaving a task out", { id, error });
      }
    }
  }

  async kill(
    ctx: Context,
    request: Parameters<TaskService["kill"]>[1],
  ): Promise<void> {
    await this.#use(ctx, request.id, (shim) => shim.kill(ctx, request));
  }

  async exec(ctx: Context, request: ShimExecRequest): Promise<void> {
    if (request.execId === "") {
      throw invalidArgument("Cannot run a process without an exec id");
    }
    checkIdentifier("exec", request.execId);
    await this.#use(ctx, request.id, (shim) => shim.exec(ctx, request));
  }

  async resizePty(
    ctx: Context,
    request: Parameters<TaskService["resizePty"]>[1],
  ): Promise<void> {
    await this.#use(ctx, request.id, (shim) => shim.resizePty(ctx, request));
  }

  async closeStdin(ctx: Context, process: ProcessRef): Promise<void> {
    await this.#use(ctx, process.id, (shim) => shim.closeStdin(ctx, process));
  }

  async pause(ctx: Context, id: string): Promise<void> {
    await this.#use(ctx, id, (shim) => shim.pause(ctx, id));
  }

  async resume(ctx: Context, id: string): Promise<void> {
    await this.#use(ctx, id, (shim) => shim.resume(ctx, id));
  }

  async pids(ctx: Context, id: string): Promise<readonly ShimProcessInfo[]> {
    return await this.#use(ctx, id, (shim) => shim.pids(ctx, id));
  }

  async checkpoint(
    ctx: Context,
    request: Parameters<TaskService["checkpoint"]>[1],
  ): ReturnType<TaskService["checkpoint"]> {
    const { checkpoints } = this.#deps;
    return await this.#use(
      ctx,
      request.id,
      (shim) => checkpoints.take(ctx, shim, request),
    );
  }

  async update(
    ctx: Context,
    request: Parameters<TaskService["update"]>[1],
  ): Promise<void> {
    await this.#use(ctx, request.id, (shim) => shim.update(ctx, request));
  }

  async *metrics(
    ctx: Context,
    filters: readonly string[] = [],
  ): AsyncIterable<TaskMetrics> {
    const matches = parseFilters(filters);
    for (const id of this.#ids(ctx)) {
      const fields = new Map([["id", id], ["namespace", ctx.namespace]]);
      if (!matches(([name = ""]) => fields.get(name))) continue;
      try {
        const data = await this.#use(ctx, id, (shim) => shim.stats(ctx, id));
        yield { id, at: this.#deps.now(), data };
      } catch (error) {
        ctx.log.debug("Cannot tell the figures of a task", { id, error });
      }
    }
  }

  async wait(ctx: Context, process: ProcessRef): Promise<ExitStatus> {
    const kept = this.#deps.shims.find(ctx.namespace, process.id);
    try {
      return await this.#use(
        ctx,
        process.id,
        (shim) => shim.wait(ctx, process),
      );
    } catch (error) {
      if (kept === undefined || !hasCode(error, "unavailable")) throw error;
      // Its shim has died, and the task with it; or it has been deleted.
      return await kept.gone;
    }
  }

  #ids(ctx: Context): readonly string[] {
    const { shims, others } = this.#deps;
    const kept = shims.of(ctx.namespace).map(({ ref }) => ref.id);
    return [...kept, ...others.ids(ctx)];
  }

  /** @throws {EngineError} `notFound` if there is no such task */
  async #use<T>(
    ctx: Context,
    id: string,
    call: (shim: ShimService) => Promise<T>,
  ): Promise<T> {
    const { shims, others, containers } = this.#deps;
    const kept = shims.find(ctx.namespace, id);
    if (kept !== undefined) return await call(kept.connection);
    await containers.get(ctx, id);
    return await others.use(ctx, id, call);
  }
}

function noteStart({ bundle }: KeptShim, pid: number, now: Date): void {
  const status = bundle.status();
  // It may have ended already, and that been heard of.
  if (status?.state === "stopped") return;
  bundle.writeStatus(runningStatus(status, pid, now));
}

function isSilence(error: unknown): boolean {
  const { code } = EngineError.from(error);
  return code !== "cancelled";
}
