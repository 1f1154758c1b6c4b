/** Records here and snapshots there, put together and taken apart. */

import { invalidArgument } from "../../base/errors.ts";
import { isLabelPath } from "../../base/labels.ts";
import type { Labels } from "../../core/labels.ts";
import type { SnapshotRecord } from "../../core/records.ts";
import type { SnapshotInfo } from "../../core/snapshot.ts";
import {
  clientLabels,
  foreignName,
  isInherited,
  withForeignName,
} from "./names.ts";

/** What is recorded, and what the backend says of it. */
export function merged(
  { id: _, ...record }: SnapshotRecord,
  { kind, labels }: Pick<SnapshotInfo, "kind" | "labels">,
): SnapshotInfo {
  const ours = clientLabels(record.labels);
  return { ...record, kind, labels: { ...labels, ...ours } };
}

/** A client's labels, and the one that it does not see. */
export function ourLabels(record: SnapshotRecord, asked: Labels): Labels {
  const labels = clientLabels(asked);
  const name = foreignName(record);
  return name === undefined ? labels : withForeignName(labels, name);
}

/** @throws {EngineError} `invalidArgument` for what is not a label */
export function checkPaths(name: string, fieldPaths: readonly string[]): void {
  const other = fieldPaths.find((path) => !isLabelPath(path));
  if (other === undefined) return;
  throw invalidArgument(
    `Cannot update field "${other}" of snapshot "${name}"`,
  );
}

/** Which of the labels that the backend has are changed; `all` of them. */
export function inheritedPaths(
  fieldPaths: readonly string[],
): readonly string[] | "all" {
  if (fieldPaths.length === 0) return "all";
  const prefix = "labels.";
  return fieldPaths.filter((path) =>
    path === "labels" || isInherited(path.slice(prefix.length))
  );
}
