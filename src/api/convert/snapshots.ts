/** Snapshots between wire and domain. */

import {
  type Info as WireInfo,
  Kind,
} from "../../../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import type { SnapshotInfo, SnapshotKind } from "../../core/snapshot.ts";
import { fromLabels } from "./labels.ts";

const KINDS = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
} as const satisfies Readonly<Record<SnapshotKind, Kind>>;

const KIND_NAMES = new Map<Kind, SnapshotKind>(
  Object.entries(KINDS).map(([name, kind]) => [kind, name as SnapshotKind]),
);

export function toSnapshot(
  { kind, name, parent, labels, createdAt, updatedAt }: SnapshotInfo,
): WireInfo {
  return {
    kind: KINDS[kind],
    name,
    parent,
    labels: { ...labels },
    createdAt,
    updatedAt,
  };
}

/** What can be changed of a snapshot. */
export function fromSnapshotUpdate(
  info: WireInfo | undefined,
): Pick<SnapshotInfo, "name" | "labels"> {
  const { name = "", labels = {} } = info ?? {};
  return { name, labels: fromLabels(labels) };
}

/** Of one made by another side. */
export function fromSnapshot(
  { kind, name, parent, labels, createdAt, updatedAt }: WireInfo,
): SnapshotInfo {
  const created = createdAt ?? new Date(0);
  return {
    kind: KIND_NAMES.get(kind) ?? "active",
    name,
    parent,
    labels,
    createdAt: created,
    updatedAt: updatedAt ?? created,
  };
}
