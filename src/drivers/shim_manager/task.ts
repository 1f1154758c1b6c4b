/** A task that somebody else's shim keeps. */

import type { Context } from "../../base/context.ts";
import {
  type EngineError,
  failedPrecondition,
  hasCode,
} from "../../base/errors.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type {
  ProcessRef,
  ShimProcessState,
  ShimService,
} from "../../core/shim.ts";
import type {
  BundleView,
  ExecProcess,
  ExecRequest,
  ExitStatus,
  Task,
  TaskRef,
  TaskStats,
} from "../../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";
import type { SpecResources } from "../../oci/runtime_spec.ts";
import type { Poller } from "../../sys/poller.ts";
import type { TerminalSize } from "../../sys/pty.ts";
import { attachToLogger, hasLogger } from "./attach.ts";
import { withShim } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { execProcess } from "./exec.ts";
import { killProcess } from "./kill.ts";
import { shimKind } from "./runtime_name.ts";
import type { StartErrors } from "./start_failure.ts";
import { networkFigures } from "./stats.ts";
import { statusOf } from "./status.ts";
import { inputOf } from "./task_input.ts";
import type { ShimWire } from "./wire.ts";

const RESOURCES_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

/** A shim that lives answers at once. */
export const ANSWER_MS = 3000;

export interface ForeignTaskDeps {
  readonly wire: ShimWire;
  readonly poller: () => Poller;
  readonly startErrors: StartErrors;
  readonly now: () => Date;
  /** Replaces the status that the bundle keeps. */
  readonly writeStatus: (bundle: string, status: TaskStatus) => void;
  /** As `ShimManagerDeps` has it. */
  readonly otherBundle: (task: TaskRef) => string | undefined;
}

export class ForeignTask implements Task {
  readonly id: string;
  readonly keeping = "shim";
  readonly #deps: ForeignTaskDeps;
  readonly #bundle: BundleView;

  constructor(deps: ForeignTaskDeps, bundle: BundleView) {
    this.id = bundle.record.id;
    this.#deps = deps;
    this.#bundle = bundle;
  }

  async status(ctx: Context): Promise<TaskStatus> {
    try {
      const state = await withDeadline(
        ctx,
        ANSWER_MS,
        (ctx) => this.#call(ctx, (shim) => shim.state(ctx, this.#init)),
      );
      return statusOf(state, this.#bundle.status());
    } catch (error) {
      // A shim that is held up says nothing; what it keeps is not gone.
      const recorded = this.#bundle.status();
      if (!hasCode(error, "deadlineExceeded") || !recorded) throw error;
      return recorded;
    }
  }

  async kill(
    ctx: Context,
    signal: number,
    scope: "init" | "all",
  ): Promise<void> {
    await this.#call(
      ctx,
      (shim) => killProcess(ctx, shim, this.#init, { signal, scope }),
    );
  }

  retire(_ctx: Context): Promise<void> {
    const recorded = this.#bundle.status() ?? NEW_STATUS;
    this.#deps.writeStatus(this.#bundle.path, {
      ...recorded,
      stoppedByUser: true,
    });
    return Promise.resolve();
  }

  setRestartPolicy(_ctx: Context, policy: RestartPolicy): Promise<void> {
    return policy.kind === "no"
      ? Promise.resolve()
      : Promise.reject(cannotRestart(this.#bundle.record.runtime, policy));
  }

  async pause(ctx: Context): Promise<void> {
    await this.#call(ctx, (shim) => shim.pause(ctx, this.id));
  }

  async resume(ctx: Context): Promise<void> {
    await this.#call(ctx, (shim) => shim.resume(ctx, this.id));
  }

  exec(ctx: Context, request: ExecRequest): Promise<ExecProcess> {
    const deps = {
      poller: this.#deps.poller(),
      startErrors: this.#deps.startErrors,
      kind: shimKind(this.#bundle.record.runtime),
      bundle: this.#bundle.path,
      withShim: <T>(
        ctx: Context,
        call: (service: ShimService) => Promise<T>,
      ) => this.#call(ctx, call),
    };
    return execProcess(ctx, deps, this.id, request);
  }

  async pids(ctx: Context): Promise<readonly number[]> {
    const processes = await this.#call(
      ctx,
      (shim) => shim.pids(ctx, this.id),
    );
    return processes.map(({ pid }) => pid);
  }

  async stats(ctx: Context): Promise<TaskStats> {
    const metrics = await this.#call(ctx, (shim) => shim.stats(ctx, this.id));
    return {
      at: this.#deps.now(),
      ...await this.#deps.wire.decodeMetrics(metrics),
      ...networkFigures(this.#bundle.status()?.pid ?? 0),
    };
  }

  async update(ctx: Context, resources: SpecResources): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(resources));
    await this.#call(ctx, (shim) =>
      shim.update(ctx, {
        id: this.id,
        resources: { typeUrl: RESOURCES_TYPE, value },
        annotations: {},
      }));
  }

  async wait(ctx: Context): Promise<ExitStatus> {
    return await this.#call(ctx, (shim) => shim.wait(ctx, this.#init));
  }

  /**
   * @throws {EngineError} `unimplemented` for input that its logger can't send,
   * or if somebody else reads its output, or nobody can
   */
  async *attach(
    ctx: Context,
    stdin: "send" | "none",
    input: AsyncIterable<AttachInput>,
  ): AsyncGenerator<AttachOutput> {
    const { record, path } = this.#bundle;
    const bundle = this.#deps.otherBundle(record) ?? path;
    const task = {
      id: this.id,
      wait: (ctx: Context) => this.wait(ctx),
      resize: (ctx: Context, size: TerminalSize) =>
        this.#call(
          ctx,
          (shim) => shim.resizePty(ctx, { ...this.#init, ...size }),
        ),
      openInput: async () =>
        inputOf(
          this.#deps.poller(),
          await this.#state(ctx),
          () => this.#call(ctx, (shim) => shim.closeStdin(ctx, this.#init)),
        ),
      state: (ctx: Context) => this.#state(ctx),
    };
    if (hasLogger(bundle)) {
      return yield* attachToLogger(ctx, { ...task, bundle }, stdin, input);
    }
    const { attachFifos } = await import("./attach_fifos.ts");
    yield* attachFifos(ctx, this.#deps.poller(), task, stdin, input);
  }

  async checkpoint(
    ctx: Context,
    { path, after }: {
      readonly path: string;
      readonly after: "stop" | "goOn";
    },
  ): Promise<void> {
    const options = this.#deps.wire.encodeCheckpointOptions({ after });
    await this.#call(
      ctx,
      (shim) => shim.checkpoint(ctx, { id: this.id, path, options }),
    );
  }

  async #state(ctx: Context): Promise<ShimProcessState> {
    return await this.#call(ctx, (shim) => shim.state(ctx, this.#init));
  }

  get #init(): ProcessRef {
    return { id: this.id, execId: "" };
  }

  async #call<T>(
    ctx: Context,
    call: (shim: ShimService) => Promise<T>,
  ): Promise<T> {
    return await withShim(ctx, this.#deps.wire, this.#bundle.path, call);
  }
}

export function cannotRestart(
  runtime: string,
  policy: RestartPolicy,
): EngineError {
  return failedPrecondition(
    `Cannot restart a container of runtime "${runtime}" by policy ` +
      `"${policy.kind}": its shim does not know it`,
    { hint: "Use another runtime, or no restart policy" },
  );
}
