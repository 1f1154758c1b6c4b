/** Content between wire and domain. */

import {
  type Info as WireInfo,
  type Status as WireStatus,
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
} from "../../../proto/gen/containerd/services/content/v1/content.ts";
import { parseDigest } from "../../base/digest.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { ContentInfo, IngestStatus } from "../../core/content.ts";
import type {
  WriteKind,
  WriteProgress,
  WriteStep,
} from "../../engine/content_write.ts";
import { fromLabels } from "./labels.ts";

const ACTIONS = {
  status: WriteAction.STAT,
  write: WriteAction.WRITE,
  commit: WriteAction.COMMIT,
} as const satisfies Readonly<Record<WriteKind, WriteAction>>;

const KINDS = new Map<WriteAction, WriteKind>(
  Object.entries(ACTIONS).map((
    [kind, action],
  ) => [action, kind as WriteKind]),
);

export function toInfo(
  { digest, size, createdAt, updatedAt, labels }: ContentInfo,
): WireInfo {
  return {
    digest,
    size: BigInt(size),
    createdAt,
    updatedAt,
    labels: { ...labels },
  };
}

/** @throws {EngineError} `invalidArgument` if its digest is none */
export function fromInfo(
  info: WireInfo | undefined,
): Pick<ContentInfo, "digest" | "labels"> {
  return {
    digest: parseDigest(info?.digest ?? ""),
    labels: fromLabels(info?.labels ?? {}),
  };
}

/** Of one made by another side. */
export function fromInfoAnswer(info: WireInfo): ContentInfo {
  return {
    digest: parseDigest(info.digest),
    size: Number(info.size),
    createdAt: info.createdAt ?? new Date(0),
    updatedAt: info.updatedAt ?? info.createdAt ?? new Date(0),
    labels: info.labels,
  };
}

export function toStatus(
  { ref, offset, total, expected, startedAt, updatedAt }: IngestStatus,
): WireStatus {
  return {
    ref,
    offset: BigInt(offset),
    total: BigInt(total),
    expected: expected ?? "",
    startedAt,
    updatedAt,
  };
}

export function fromStatus(
  { ref, offset, total, expected, startedAt, updatedAt }: WireStatus,
): IngestStatus {
  return {
    ref,
    offset: Number(offset),
    total: Number(total),
    ...expected === "" ? {} : { expected: parseDigest(expected) },
    startedAt: startedAt ?? new Date(0),
    updatedAt: updatedAt ?? new Date(0),
  };
}

/** @throws {EngineError} `invalidArgument` for an unknown action */
export function fromWriteRequest(request: WriteContentRequest): WriteStep {
  const { action, ref, total, expected, offset, data, labels } = request;
  const kind = KINDS.get(action);
  if (kind === undefined) {
    throw invalidArgument(`Cannot write content by action "${action}"`);
  }
  return {
    kind,
    ref,
    total: Number(total),
    expected: expected === "" ? undefined : parseDigest(expected),
    offset: Number(offset),
    data,
    labels: fromLabels(labels),
  };
}

export function toWriteResponse(
  { kind, offset, digest, status }: WriteProgress,
): WriteContentResponse {
  return {
    action: ACTIONS[kind],
    offset: BigInt(offset),
    digest,
    total: BigInt(status?.total ?? 0),
    startedAt: status?.startedAt,
    updatedAt: status?.updatedAt,
  };
}
