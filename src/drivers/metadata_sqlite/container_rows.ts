import { type Filter, labelField } from "../../base/filters.ts";
import type { Container, TypedValue } from "../../core/container.ts";
import type { Row } from "./database.ts";
import { date, labels, optionalText, text } from "./rows.ts";

/** Everything but the spec, which is large. */
export const LIST_COLUMNS = "id, labels, image, runtime, " +
  "runtime_options_type, runtime_options, snapshotter, snapshot_key, " +
  "sandbox_id, created_at, updated_at";

export function fromRow(row: Row, extensions: readonly Row[]): Container {
  const options = typedValue(row, "runtime_options_type", "runtime_options");
  const spec = typedValue(row, "spec_type", "spec");
  const name = text(row, "runtime");
  return {
    id: text(row, "id"),
    labels: labels(row),
    image: text(row, "image"),
    runtime: options === undefined ? { name } : { name, options },
    ...(spec === undefined ? {} : { spec }),
    snapshotter: text(row, "snapshotter"),
    snapshotKey: text(row, "snapshot_key"),
    extensions: Object.fromEntries(extensions.flatMap((extension) => {
      const value = typedValue(extension, "type", "value");
      return value === undefined ? [] : [[text(extension, "key"), value]];
    })),
    sandboxId: text(row, "sandbox_id"),
    createdAt: date(row, "created_at"),
    updatedAt: date(row, "updated_at"),
  };
}

function typedValue(
  row: Row,
  typeColumn: string,
  valueColumn: string,
): TypedValue | undefined {
  const typeUrl = optionalText(row, typeColumn);
  const value = row[valueColumn];
  if (typeUrl === undefined || !(value instanceof Uint8Array)) {
    return undefined;
  }
  return { typeUrl, value };
}

export function matches(filter: Filter, container: Container): boolean {
  return filter(([field, ...rest]) => {
    switch (field) {
      case "id":
        return container.id;
      case "image":
        return nonEmpty(container.image);
      case "snapshotter":
        return nonEmpty(container.snapshotter);
      case "snapshotkey":
        return nonEmpty(container.snapshotKey);
      case "sandboxid":
        return nonEmpty(container.sandboxId);
      case "runtime":
        return rest[0] === "name" ? container.runtime.name : undefined;
      case "labels":
        return labelField(container.labels, rest);
      default:
        return undefined;
    }
  });
}

function nonEmpty(value: string): string | undefined {
  return value === "" ? undefined : value;
}
