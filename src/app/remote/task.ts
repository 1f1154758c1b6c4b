/** A task that a daemon keeps. */

import type { Context } from "../../base/context.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { AttachOutput } from "../../core/keeper.ts";
import type { ShimService } from "../../core/shim.ts";
import type {
  ExecProcess,
  ExecRequest,
  ExitStatus,
  Task,
  TaskStats,
} from "../../core/task.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { execProcess } from "../../drivers/shim_manager/exec.ts";
import { killProcess } from "../../drivers/shim_manager/kill.ts";
import { networkFigures } from "../../drivers/shim_manager/stats.ts";
import { statusOf } from "../../drivers/shim_manager/status.ts";
import type { SpecResources } from "../../oci/runtime_spec.ts";
import { startError } from "../../runtime/start_failure.ts";
import type { Poller } from "../../sys/poller.ts";
import { createShimWire } from "../shim_wire.ts";

const RESOURCES_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

export interface RemoteTaskDeps {
  readonly shim: ShimService;
  readonly poller: () => Poller;
  /** Directory for the FIFOs of this command. */
  readonly directory: string;
  readonly now: () => Date;
  /** What is recorded of it on this side. */
  readonly recorded: () => TaskStatus | undefined;
}

export class RemoteTask implements Task {
  readonly id: string;
  readonly keeping = "shim";
  readonly #deps: RemoteTaskDeps;

  constructor(deps: RemoteTaskDeps, id: string) {
    this.id = id;
    this.#deps = deps;
  }

  async status(ctx: Context): Promise<TaskStatus> {
    const state = await this.#deps.shim.state(ctx, this.#init);
    return statusOf(state, this.#deps.recorded());
  }

  async kill(
    ctx: Context,
    signal: number,
    scope: "init" | "all",
  ): Promise<void> {
    await killProcess(ctx, this.#deps.shim, this.#init, { signal, scope });
  }

  /** No policy of ours starts it again. */
  retire(): Promise<void> {
    return Promise.resolve();
  }

  setRestartPolicy(_ctx: Context, { kind }: RestartPolicy): Promise<void> {
    return kind === "no"
      ? Promise.resolve()
      : Promise.reject(throughSocket(`restart container "${this.id}"`));
  }

  async pause(ctx: Context): Promise<void> {
    await this.#deps.shim.pause(ctx, this.id);
  }

  async resume(ctx: Context): Promise<void> {
    await this.#deps.shim.resume(ctx, this.id);
  }

  exec(ctx: Context, request: ExecRequest): Promise<ExecProcess> {
    const { shim, directory, poller } = this.#deps;
    return execProcess(
      ctx,
      {
        poller: poller(),
        startErrors: startError,
        kind: "runc",
        bundle: directory,
        withShim: (_ctx, call) => call(shim),
      },
      this.id,
      request,
    );
  }

  async pids(ctx: Context): Promise<readonly number[]> {
    const processes = await this.#deps.shim.pids(ctx, this.id);
    return processes.map(({ pid }) => pid);
  }

  async stats(ctx: Context): Promise<TaskStats> {
    const { shim, now } = this.#deps;
    const { pid } = await shim.state(ctx, this.#init);
    const figures = await shim.stats(ctx, this.id);
    return {
      at: now(),
      ...createShimWire().decodeMetrics(figures),
      ...networkFigures(pid),
    };
  }

  async update(ctx: Context, resources: SpecResources): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(resources));
    await this.#deps.shim.update(ctx, {
      id: this.id,
      resources: { typeUrl: RESOURCES_TYPE, value },
      annotations: {},
    });
  }

  async wait(ctx: Context): Promise<ExitStatus> {
    return await this.#deps.shim.wait(ctx, this.#init);
  }

  // deno-lint-ignore require-yield -- there is no such call
  async *attach(): AsyncGenerator<AttachOutput> {
    await Promise.resolve();
    throw throughSocket(`attach to container "${this.id}"`);
  }

  checkpoint(): Promise<void> {
    return Promise.reject(throughSocket(`checkpoint container "${this.id}"`));
  }

  get #init() {
    return { id: this.id, execId: "" };
  }
}
