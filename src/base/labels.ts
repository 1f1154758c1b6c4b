import { invalidArgument } from "./errors.ts";

const MAX_SIZE = 4096;

/**
 * Checks every label against containerd's limit: key and value together at
 * most 4096 bytes, and a key that is not empty.
 *
 * @throws {EngineError} `invalidArgument`
 */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(labels)) checkLabel(key, value);
}

function checkLabel(key: string, value: string): void {
  if (key === "") throw invalidArgument(`Cannot use a label with an empty key`);
  if (!exceeds(key, value)) return;
  throw invalidArgument(
    `Cannot use label "${key.slice(0, 64)}": key and value are longer than ` +
      `${MAX_SIZE} bytes together`,
  );
}

function exceeds(key: string, value: string): boolean {
  // A UTF-16 unit is at most three bytes: most labels need no encoding.
  if ((key.length + value.length) * 3 <= MAX_SIZE) return false;
  return new TextEncoder().encode(key + value).length > MAX_SIZE;
}

/**
 * Labels after an update by field paths: without paths all are replaced; else
 * `labels` replaces all and `labels.KEY` one, which an absent value removes.
 * Paths of other fields are left to the caller.
 */
export function updateLabels(
  current: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  fieldPaths: readonly string[] = [],
): Record<string, string> {
  if (fieldPaths.length === 0) return { ...wanted };
  let result: Record<string, string> = { ...current };
  for (const path of fieldPaths) {
    if (path === "labels") result = { ...wanted };
    if (!path.startsWith("labels.")) continue;
    const key = path.slice("labels.".length);
    const value = Object.hasOwn(wanted, key) ? wanted[key] : undefined;
    if (value === undefined) delete result[key];
    else result[key] = value;
  }
  return result;
}

/** True for a field path that `updateLabels` understands. */
export function isLabelPath(path: string): boolean {
  return path === "labels" || path.startsWith("labels.");
}
