import { type Filter, labelField } from "../../base/filters.ts";
import type { SnapshotRecord } from "../../core/records.ts";
import type { SnapshotInfo, SnapshotKind } from "../../core/snapshot.ts";
import type { Row } from "./database.ts";
import { date, integer, labels, text } from "./rows.ts";

export function fromRow(row: Row): SnapshotRecord {
  return {
    id: integer(row, "id"),
    kind: text(row, "kind") as SnapshotKind,
    name: text(row, "name"),
    parent: text(row, "parent"),
    labels: labels(row),
    createdAt: date(row, "created_at"),
    updatedAt: date(row, "updated_at"),
  };
}

export function matches(filter: Filter, info: SnapshotInfo): boolean {
  return filter(([field, ...rest]) => {
    switch (field) {
      case "kind":
        return info.kind;
      case "name":
        return info.name;
      case "parent":
        // Empty where there is none: daemons look for layers by `parent==""`.
        return info.parent;
      case "labels":
        return labelField(info.labels, rest);
      default:
        return undefined;
    }
  });
}
