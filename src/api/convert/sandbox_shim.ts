/** The life of sandboxes between wire and domain: of clients, and of shims. */

import type {
  ControllerCreateRequest,
  ControllerMetricsResponse,
  ControllerStartResponse,
  ControllerStatusResponse,
} from "../../../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import type {
  CreateSandboxRequest,
  SandboxMetricsResponse,
  SandboxStatusResponse,
  StartSandboxResponse,
  WaitSandboxResponse,
} from "../../../proto/gen/containerd/runtime/sandbox/v1/sandbox.ts";
import type {
  NewSandbox,
  SandboxCreation,
  SandboxEndpoint,
  SandboxExit,
  SandboxMetrics,
  SandboxStatus,
  StartedSandbox,
} from "../../core/sandbox.ts";
import { fromAny, toAny } from "./any.ts";
import { fromMount, toMount } from "./mounts.ts";
import { toNewSandbox } from "./sandbox.ts";
import { optional } from "./shim_task.ts";

export function fromCreation(
  request: ControllerCreateRequest,
  sandbox: NewSandbox,
): SandboxCreation {
  const { rootfs, options, netnsPath, annotations } = request;
  return {
    sandbox,
    rootfs: rootfs.map(fromMount),
    netnsPath,
    annotations,
    ...optional("options", fromAny(options)),
  };
}

export function toCreation(
  { sandbox, rootfs, options, netnsPath, annotations }: SandboxCreation,
  sandboxer: string,
): ControllerCreateRequest {
  return {
    sandboxId: sandbox.id,
    rootfs: rootfs.map(toMount),
    options: toAny(options),
    netnsPath,
    annotations: { ...annotations },
    sandbox: toNewSandbox(sandbox),
    sandboxer,
  };
}

export function toCreateSandbox(
  { sandbox, bundle, rootfs, options, netnsPath, annotations }:
    & SandboxCreation
    & { readonly bundle: string },
): CreateSandboxRequest {
  return {
    sandboxId: sandbox.id,
    bundlePath: bundle,
    rootfs: rootfs.map(toMount),
    options: toAny(options),
    netnsPath,
    annotations: { ...annotations },
  };
}

export function fromStarted(
  { pid, createdAt, spec }: StartSandboxResponse,
): StartedSandbox {
  return {
    pid,
    ...optional("createdAt", createdAt),
    ...optional("spec", fromAny(spec)),
  };
}

export function toStarted(
  sandboxId: string,
  started: StartedSandbox & SandboxEndpoint,
): ControllerStartResponse {
  const { pid, createdAt, spec, address, version, labels } = started;
  return {
    ...{ sandboxId, pid, createdAt, address, version },
    spec: toAny(spec),
    labels: { ...labels },
  };
}

export function fromStatus(
  { pid, state, info, createdAt, exitedAt, extra }: SandboxStatusResponse,
): SandboxStatus {
  return {
    ...{ pid, state, info },
    ...optional("createdAt", createdAt),
    ...optional("exitedAt", exitedAt),
    ...optional("extra", fromAny(extra)),
  };
}

export function toStatus(
  sandboxId: string,
  status: SandboxStatus & Partial<SandboxEndpoint>,
): ControllerStatusResponse {
  const { pid, state, info, createdAt, exitedAt } = status;
  const { address = "", version = 0 } = status;
  return {
    ...{ sandboxId, pid, state, createdAt, exitedAt, address, version },
    info: { ...info },
    extra: toAny(status.extra),
  };
}

export function fromWaited(
  { exitStatus, exitedAt }: WaitSandboxResponse,
): SandboxExit {
  return { exitCode: exitStatus, ...optional("exitedAt", exitedAt) };
}

export function fromMetrics(
  id: string,
  { metrics }: SandboxMetricsResponse,
): SandboxMetrics {
  return {
    id: metrics?.id ?? id,
    ...optional("timestamp", metrics?.timestamp),
    ...optional("data", fromAny(metrics?.data)),
  };
}

export function toMetrics(
  { id, timestamp, data }: SandboxMetrics,
): ControllerMetricsResponse {
  return { metrics: { id, timestamp, data: toAny(data) } };
}
