/** Holds a configuration file to the keys that there are. */

import { invalidArgument } from "../../../base/errors.ts";
import { parseDuration } from "../../../base/units.ts";
import type { Table } from "./daemon_config.ts";
import {
  type Key,
  type KeyTable,
  KINDS,
  leadsToTable,
  tableAt,
} from "./keys.ts";
import { keyLines } from "./lines.ts";

/** A file as it was read. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** In terms of version 2 at least. */
  readonly table: Table;
  /** True if it was version 1. */
  readonly isOld?: true;
}

/** What is to be said of a key that stops nothing. */
export interface ConfigNote {
  /** `unknown`: nobody has it. `unused`: it changes nothing here. */
  readonly kind: "unknown" | "unused";
  /** `plugins."io.containerd.gc.v1.scheduler".pause_threshold` */
  readonly key: string;
  /** Of the key's list, if it is about that one only. */
  readonly entry?: string;
  readonly file: string;
  readonly line?: number;
  /** Why, or what there is instead. */
  readonly says: string;
}

/**
 * @param hasPlugin whether there is a plugin with this URI, which may have a
 * table that is not among the keys
 * @returns what of it is without effect
 * @throws {EngineError} `invalidArgument` with file and line for a value of
 * another kind than its key's
 */
export function checkFile(
  file: ConfigFile,
  hasPlugin: (uri: string) => boolean,
): readonly ConfigNote[] {
  const check = new Check(file, hasPlugin);
  check.table([], file.table);
  return check.notes;
}

class Check {
  readonly notes: ConfigNote[] = [];
  readonly #file: ConfigFile;
  readonly #hasPlugin: (uri: string) => boolean;
  readonly #lines;

  constructor(file: ConfigFile, hasPlugin: (uri: string) => boolean) {
    this.#file = file;
    this.#hasPlugin = hasPlugin;
    this.#lines = keyLines(file.text);
  }

  table(path: readonly string[], table: Table): void {
    const known = tableAt(path);
    if (known?.effect === "none" && known.keys === "open") {
      return this.#note("unused", path, known.says);
    }
    for (const [name, value] of Object.entries(table)) {
      this.#entry([...path, name], value, known);
    }
  }

  #entry(
    path: readonly string[],
    value: unknown,
    table: KeyTable | undefined,
  ): void {
    if (table?.keys === "open") return;
    const key = table?.keys[path.at(-1) ?? ""];
    if (key !== undefined) return this.#value(path, value, key);
    if (tableAt(path) !== undefined || leadsToTable(path)) {
      if (!isTable(value)) throw this.#wrong(path, value, KINDS.table);
      return this.table(path, value);
    }
    const [first, uri = ""] = path;
    const isPlugin = first === "plugins" && path.length === 2;
    if (isPlugin && this.#hasPlugin(uri)) return;
    this.#note(
      "unknown",
      path,
      isPlugin ? "there is no such plugin" : "there is no such key",
    );
  }

  #value(path: readonly string[], value: unknown, key: Key): void {
    if (!holds(key, value)) {
      const expected = key.choices?.filter((it) => it !== "").join(", ");
      throw this.#wrong(path, value, expected ?? KINDS[key.kind]);
    }
    const isDefault = JSON.stringify(value) === JSON.stringify(key.default);
    if (key.effect === "none" && !isDefault) {
      this.#note("unused", path, key.says);
    }
  }

  #note(
    kind: ConfigNote["kind"],
    path: readonly string[],
    says: string,
  ): void {
    const line = this.#lines(path);
    this.notes.push({
      kind,
      key: formatPath(path),
      file: this.#file.path,
      ...line === undefined ? {} : { line },
      says,
    });
  }

  #wrong(path: readonly string[], value: unknown, expected: string): Error {
    const line = this.#lines(path);
    return invalidArgument(
      `Cannot use ${JSON.stringify(value)} for "${formatPath(path)}" in ` +
        `${this.#file.path}${line === undefined ? "" : ` line ${line}`}: ` +
        `expected ${expected}`,
    );
  }
}

function holds({ kind, choices, accepts }: Key, value: unknown): boolean {
  switch (kind) {
    case "string":
      return typeof value === "string" &&
        (choices === undefined || choices.includes(value) ||
          accepts?.(value) === true);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) &&
        value.every((item) => typeof item === "string");
    case "duration":
      return typeof value === "string" && isDuration(value);
    case "map":
      return isTable(value) &&
        Object.values(value).every((item) => typeof item === "string");
    case "tables":
      return Array.isArray(value) && value.every(isTable);
    case "table":
      return isTable(value);
    default:
      return kind satisfies never;
  }
}

function isDuration(text: string): boolean {
  try {
    parseDuration("duration", text);
    return true;
  } catch {
    return false;
  }
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Date);
}

/** As it is written in TOML. */
export function formatPath(path: readonly string[]): string {
  return path.map((name) =>
    /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
  ).join(".");
}
