import { type Filter, labelField } from "../../base/filters.ts";
import type { Container, TypedValue } from "../../core/container.ts";
import { parsedLabels } from "./rows.ts";

const SUMMARY = "id, labels, image, runtime, runtime_options_type, " +
  "runtime_options, snapshotter, snapshot_key, sandbox_id, created_at, " +
  "updated_at";

/** Of a `ContainerRow`. A summary is all but the spec, which is large. */
export const COLUMNS = {
  summary: `${SUMMARY}, NULL, NULL`,
  whole: `${SUMMARY}, spec_type, spec`,
} as const;

export type ContainerRow = readonly [
  id: string,
  labels: string,
  image: string,
  runtime: string,
  optionsType: string | null,
  options: Uint8Array | null,
  snapshotter: string,
  snapshotKey: string,
  sandboxId: string,
  createdAt: number,
  updatedAt: number,
  specType: string | null,
  spec: Uint8Array | null,
];

export type ExtensionRow = readonly [
  container: string,
  key: string,
  typeUrl: string,
  value: Uint8Array,
];

export function fromRow(
  [
    id,
    labels,
    image,
    name,
    optionsType,
    optionsValue,
    snapshotter,
    snapshotKey,
    sandboxId,
    createdAt,
    updatedAt,
    specType,
    specValue,
  ]: ContainerRow,
  extensions: readonly ExtensionRow[],
): Container {
  const options = typedValue(optionsType, optionsValue);
  const spec = typedValue(specType, specValue);
  return {
    id,
    labels: parsedLabels(labels),
    image,
    runtime: options === undefined ? { name } : { name, options },
    ...(spec === undefined ? {} : { spec }),
    snapshotter,
    snapshotKey,
    extensions: extensions.length === 0 ? {} : Object.fromEntries(
      extensions.map(([, key, typeUrl, value]) => [key, { typeUrl, value }]),
    ),
    sandboxId,
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}

function typedValue(
  typeUrl: string | null,
  value: Uint8Array | null,
): TypedValue | undefined {
  return typeUrl === null || value === null ? undefined : { typeUrl, value };
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
