/** A shim's task service between wire and domain. */

import {
  type ProcessInfo,
  Status,
} from "../../../proto/gen/containerd/v1/types/task.ts";
import type {
  CreateTaskRequest,
  ExecProcessRequest,
  StateResponse,
} from "../../../proto/gen/containerd/task/v2/shim.ts";
import type {
  ProcessRef,
  ShimCreateRequest,
  ShimExecRequest,
  ShimProcessInfo,
  ShimProcessState,
  ShimProcessStatus,
} from "../../core/shim.ts";
import type { ExitStatus } from "../../core/task.ts";
import { fromAny, requireAny, toAny } from "./any.ts";
import { fromMount, toMount } from "./mounts.ts";

const STATUSES: Readonly<Record<ShimProcessStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};

export function toShimStatus(status: ShimProcessStatus): Status {
  return STATUSES[status];
}

const STATUS_NAMES = new Map(
  Object.entries(STATUSES).map((
    [name, status],
  ) => [status, name as ShimProcessStatus]),
);

/** Protobuf has no way to leave a field of options out: it is empty. */
type Optional<K extends string, T> = { readonly [P in K]?: T };

/** `{ key: value }`, or nothing if there is no value. */
export function optional<const K extends string, T>(
  key: K,
  value: T | undefined,
): Optional<K, T> {
  return value === undefined ? {} : { [key]: value } as Optional<K, T>;
}

export function fromCreate(request: CreateTaskRequest): ShimCreateRequest {
  const { id, bundle, terminal, stdin, stdout, stderr, checkpoint } = request;
  return {
    ...{ id, bundle, terminal, stdin, stdout, stderr, checkpoint },
    rootfs: request.rootfs.map(fromMount),
    ...optional("options", fromAny(request.options)),
  };
}

export function toCreate(request: ShimCreateRequest): CreateTaskRequest {
  return {
    ...request,
    rootfs: request.rootfs.map(toMount),
    parentCheckpoint: "",
    options: toAny(request.options),
  };
}

export function fromExec(request: ExecProcessRequest): ShimExecRequest {
  const { id, execId, terminal, stdin, stdout, stderr, spec } = request;
  return {
    ...{ id, execId, terminal, stdin, stdout, stderr },
    spec: requireAny(spec, "the process to run"),
  };
}

/** Without a time, as for a process that has not ended, it is the epoch. */
export interface WireExit {
  readonly exitStatus: number;
  readonly exitedAt: Date | undefined;
}

export function toExit({ exitCode, exitedAt }: ExitStatus): {
  exitStatus: number;
  exitedAt: Date;
} {
  return { exitStatus: exitCode, exitedAt };
}

export function fromExit({ exitStatus, exitedAt }: WireExit): ExitStatus {
  return { exitCode: exitStatus, exitedAt: exitedAt ?? new Date(0) };
}

/** Of a process that has not ended: what containerd's own shim says. */
const NO_EXIT = { exitStatus: 0, exitedAt: undefined };

export function toState(state: ShimProcessState): StateResponse {
  const { id, execId, bundle, pid, exit } = state;
  const { stdin, stdout, stderr, terminal } = state;
  return {
    ...{ id, execId, bundle, pid, stdin, stdout, stderr, terminal },
    status: toShimStatus(state.status),
    ...exit === undefined ? NO_EXIT : toExit(exit),
  };
}

export function fromState(state: StateResponse): ShimProcessState {
  const { id, execId, bundle, pid } = state;
  const { stdin, stdout, stderr, terminal } = state;
  const status = STATUS_NAMES.get(state.status) ?? "unknown";
  return {
    ...{ id, execId, bundle, pid, stdin, stdout, stderr, terminal, status },
    ...status === "stopped" ? { exit: fromExit(state) } : {},
  };
}

export function toProcessInfo(
  { pid, info }: ShimProcessInfo,
): ProcessInfo {
  return { pid, info: toAny(info) };
}

export function fromProcessInfo(
  { pid, info }: ProcessInfo,
): ShimProcessInfo {
  return { pid, ...optional("info", fromAny(info)) };
}

export function processRef({ id, execId }: ProcessRef): ProcessRef {
  return { id, execId };
}
