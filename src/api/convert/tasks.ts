/** The daemon's tasks between wire and domain. */

import type {
  CreateTaskRequest,
  ExecProcessRequest,
} from "../../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import type { Metric } from "../../../proto/gen/containerd/types/metrics.ts";
import type { Process } from "../../../proto/gen/containerd/v1/types/task.ts";
import type {
  ProcessRef,
  ShimExecRequest,
  ShimProcessState,
} from "../../core/shim.ts";
import type {
  TaskCreateRequest,
  TaskMetrics,
} from "../../core/task_service.ts";
import { fromAny, requireAny, toAny } from "./any.ts";
import { fromDescriptor } from "./descriptor.ts";
import { fromMount } from "./mounts.ts";
import { optional, toExit, toShimStatus } from "./shim_task.ts";

export function fromCreateTask(
  { containerId: id, rootfs, checkpoint, options, ...rest }: CreateTaskRequest,
): TaskCreateRequest {
  const { stdin, stdout, stderr, terminal, runtimePath } = rest;
  return {
    ...{ id, stdin, stdout, stderr, terminal, runtimePath },
    rootfs: rootfs.map(fromMount),
    ...optional("checkpoint", checkpoint && fromDescriptor(checkpoint)),
    ...optional("options", fromAny(options)),
  };
}

export function fromExecProcess(request: ExecProcessRequest): ShimExecRequest {
  const { stdin, stdout, stderr, terminal, spec } = request;
  return {
    ...fromProcess(request),
    ...{ stdin, stdout, stderr, terminal },
    spec: requireAny(spec, "the process to run"),
  };
}

export function fromProcess(
  { containerId: id, execId }: {
    readonly containerId: string;
    readonly execId: string;
  },
): ProcessRef {
  return { id, execId };
}

/** As with containerd, the container is not named but in the request. */
export function toProcess(state: ShimProcessState): Process {
  const { id, execId, pid, exit } = state;
  const { stdin, stdout, stderr, terminal } = state;
  return {
    ...{ containerId: "", id: execId || id, pid },
    ...{ stdin, stdout, stderr, terminal },
    status: toShimStatus(state.status),
    ...exit === undefined
      ? { exitStatus: 0, exitedAt: undefined }
      : toExit(exit),
  };
}

export function toMetric({ id, at, data }: TaskMetrics): Metric {
  return { id, timestamp: at, data: toAny(data) };
}
