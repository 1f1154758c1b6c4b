import { invalidArgument } from "../../base/errors.ts";
import { isLabelPath, updateLabels } from "../../base/labels.ts";
import type { Container, NewContainer } from "../../core/container.ts";

/** Field paths that replace one field each. */
const FIELDS = {
  spec: "spec",
  image: "image",
  snapshotkey: "snapshotKey",
  extensions: "extensions",
  sandboxid: "sandboxId",
} as const satisfies Record<string, keyof Container>;

/**
 * The container after an update. Without field paths every field that `wanted`
 * has is replaced. Runtime and snapshotter can't be changed.
 *
 * @throws {EngineError} `invalidArgument`
 */
export function merge(
  current: Container,
  wanted: NewContainer,
  fieldPaths: readonly string[],
): Container {
  if (fieldPaths.length === 0) {
    checkFixed(current, wanted);
    const { createdAt, updatedAt, runtime } = current;
    return { ...current, ...wanted, runtime, createdAt, updatedAt };
  }
  let merged: Container = {
    ...current,
    labels: updateLabels(current.labels, wanted.labels ?? {}, fieldPaths),
  };
  for (const path of fieldPaths) {
    if (!isLabelPath(path)) merged = mergeField(merged, wanted, path);
  }
  return merged;
}

function mergeField(
  container: Container,
  wanted: NewContainer,
  path: string,
): Container {
  if (path.startsWith("extensions.")) {
    const key = path.slice("extensions.".length);
    const extensions = { ...container.extensions };
    const value = wanted.extensions?.[key];
    if (value === undefined) delete extensions[key];
    else extensions[key] = value;
    return { ...container, extensions };
  }
  if (!Object.hasOwn(FIELDS, path)) {
    throw invalidArgument(
      `Cannot update field "${path}" of container "${container.id}"`,
    );
  }
  const field = FIELDS[path as keyof typeof FIELDS];
  const value = wanted[field];
  return value === undefined ? container : { ...container, [field]: value };
}

function checkFixed(current: Container, wanted: NewContainer): void {
  const fixed = [
    ["runtime", current.runtime.name, wanted.runtime.name],
    ["snapshotter", current.snapshotter, wanted.snapshotter],
  ] as const;
  for (const [field, is, wants] of fixed) {
    if (wants === undefined || wants === is) continue;
    throw invalidArgument(
      `Cannot change the ${field} of container "${current.id}" ` +
        `from "${is}" to "${wants}"`,
    );
  }
}
