/** What a snapshot is called in the backend, and what is told there of it. */

import { LABEL, type Labels } from "../../core/labels.ts";
import type { SnapshotRecord } from "../../core/records.ts";

/**
 * Of records whose snapshot the backend had before it was asked for, and which
 * has therefore a name of the backend's. Never seen by a client.
 */
const BACKEND_NAME = "coracle.io/snapshot.backend-name";

type Named = Pick<SnapshotRecord, "id" | "name" | "labels">;

/**
 * `NAMESPACE/ID/KEY`, as containerd's: unique though namespaces share the
 * backend, and though keys are used again.
 */
export function backendName(namespace: string, record: Named): string {
  return foreignName(record) ?? ownName(namespace, record);
}

export function ownName(
  namespace: string,
  { id, name }: Pick<Named, "id" | "name">,
): string {
  return `${namespace}/${id}/${name}`;
}

/** The name that the backend gave; undefined if it is one of ours. */
export function foreignName({ labels }: Pick<Named, "labels">):
  | string
  | undefined {
  return Object.hasOwn(labels, BACKEND_NAME) ? labels[BACKEND_NAME] : undefined;
}

/** The record's id in a name of ours; undefined in any other name. */
export function idIn(name: string): number | undefined {
  const id = /^[^/]+\/(\d+)\/./s.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** As clients see labels, and as they may set them. */
export function clientLabels(labels: Labels): Labels {
  const { [BACKEND_NAME]: _, ...others } = labels;
  return others;
}

export function withForeignName(labels: Labels, name: string): Labels {
  return { ...labels, [BACKEND_NAME]: name };
}

/** Labels that backends are told. @see snapshots.FilterInheritedLabels */
export function inheritedLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([key]) => isInherited(key)),
  );
}

export function isInherited(key: string): boolean {
  return key === LABEL.snapshotRef || key.startsWith(LABEL.snapshotPrefix);
}
