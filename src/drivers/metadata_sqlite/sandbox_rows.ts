import { invalidArgument } from "../../base/errors.ts";
import { type Filter, labelField } from "../../base/filters.ts";
import { isLabelPath, updateLabels } from "../../base/labels.ts";
import type { TypedValue } from "../../core/container.ts";
import type { NewSandbox, Sandbox } from "../../core/sandbox.ts";
import type { Parameter, Row } from "./database.ts";
import { date, labels, text } from "./rows.ts";

/** Values in JSON: `{ "t": typeUrl, "v": base64 }`. */
interface Packed {
  readonly t: string;
  readonly v: string;
}

function pack({ typeUrl, value }: TypedValue): Packed {
  return { t: typeUrl, v: value.toBase64() };
}

function unpack({ t, v }: Packed): TypedValue {
  return { typeUrl: t, value: Uint8Array.fromBase64(v) };
}

/** All columns but the namespace, in order. */
export function sandboxColumns(sandbox: Sandbox): Parameter[] {
  const { runtime, spec, extensions } = sandbox;
  const details = {
    ...runtime.options && { options: pack(runtime.options) },
    ...spec && { spec: pack(spec) },
    extensions: Object.entries(extensions)
      .map(([key, value]) => [key, pack(value)]),
  };
  return [
    sandbox.id,
    JSON.stringify(sandbox.labels),
    runtime.name,
    sandbox.sandboxer,
    JSON.stringify(details),
    sandbox.createdAt.getTime(),
    sandbox.updatedAt.getTime(),
  ];
}

export function sandboxFromRow(row: Row): Sandbox {
  const { options, spec, extensions } = JSON.parse(text(row, "details")) as {
    options?: Packed;
    spec?: Packed;
    extensions: [string, Packed][];
  };
  const name = text(row, "runtime");
  return {
    id: text(row, "id"),
    labels: labels(row),
    runtime: options === undefined
      ? { name }
      : { name, options: unpack(options) },
    ...spec && { spec: unpack(spec) },
    extensions: Object.fromEntries(
      extensions.map(([key, value]) => [key, unpack(value)]),
    ),
    sandboxer: text(row, "sandboxer"),
    createdAt: date(row, "created_at"),
    updatedAt: date(row, "updated_at"),
  };
}

export function sandboxMatches(filter: Filter, sandbox: Sandbox): boolean {
  return filter(([field, ...rest]) => {
    if (field === "id") return sandbox.id;
    return field === "labels" ? labelField(sandbox.labels, rest) : undefined;
  });
}

const ALL_FIELDS = ["labels", "extensions", "spec", "runtime"];

/** @throws {EngineError} `invalidArgument`, as `SandboxStore.update` says */
export function mergeSandbox(
  current: Sandbox,
  wanted: NewSandbox,
  fieldPaths: readonly string[],
): Sandbox {
  if (fieldPaths.length > 0) return merge(current, wanted, fieldPaths);
  const name = wanted.runtime?.name ?? "";
  if (name !== current.runtime.name) {
    throw invalidArgument(
      `Cannot change the runtime of sandbox "${current.id}" from ` +
        `"${current.runtime.name}" to "${name}"`,
    );
  }
  return merge(current, wanted, ALL_FIELDS);
}

function merge(
  current: Sandbox,
  wanted: NewSandbox,
  fieldPaths: readonly string[],
): Sandbox {
  let merged: Sandbox = {
    ...current,
    labels: updateLabels(current.labels, wanted.labels ?? {}, fieldPaths),
  };
  for (const path of fieldPaths) {
    if (!isLabelPath(path)) merged = mergeField(merged, wanted, path);
  }
  return merged;
}

function mergeField(
  current: Sandbox,
  wanted: NewSandbox,
  path: string,
): Sandbox {
  if (path.startsWith("extensions.")) {
    const key = path.slice("extensions.".length);
    const { [key]: _, ...others } = current.extensions;
    const value = wanted.extensions?.[key];
    const extensions = value === undefined
      ? others
      : { ...others, [key]: value };
    return { ...current, extensions };
  }
  const { spec: _, ...rest } = current;
  switch (path) {
    case "extensions":
      return { ...current, extensions: wanted.extensions ?? {} };
    case "runtime":
      return { ...current, runtime: wanted.runtime ?? { name: "" } };
    case "spec":
      return wanted.spec === undefined ? rest : { ...rest, spec: wanted.spec };
    default:
      throw invalidArgument(
        `Cannot update field "${path}" of sandbox "${current.id}"`,
      );
  }
}
