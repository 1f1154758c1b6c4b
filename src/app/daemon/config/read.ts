/** Reads the configuration: a file, and those that it imports. */

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import {
  checkFile,
  type ConfigFile,
  type ConfigNote,
  isTable,
} from "./check.ts";
import { PROXY_TYPES, type ProxyKind, type Table } from "./daemon_config.ts";
import { disabledNotes } from "./disabled.ts";
import { expandImport } from "./imports.ts";
import { keyLines } from "./lines.ts";
import { migrate, NEWEST_VERSION, OLDEST_VERSION } from "./migrate.ts";
import { fromVersion1, isVersion1 } from "./version1.ts";

/** All files as one. */
export interface ReadConfig {
  /** In terms of the newest version. */
  readonly table: Table;
  /** The first one first. */
  readonly files: readonly string[];
  readonly notes: readonly ConfigNote[];
}

/**
 * @param hasPlugin whether there is a plugin with this URI
 * @throws {EngineError} `notFound` if there is no such file;
 * `invalidArgument` with file and line; `failedPrecondition` for a version
 * that is not known
 */
export async function readConfig(
  path: string,
  hasPlugin: (uri: string) => boolean,
): Promise<ReadConfig> {
  const files: ConfigFile[] = [];
  const notes: ConfigNote[] = [];
  let table: Table = {};
  const waiting = [path];
  while (waiting.length > 0) {
    const named = waiting.shift() ?? "";
    // Files may import each other, by whatever path.
    const next = await Deno.realPath(named).catch(() => named);
    if (files.some(({ path }) => path === next)) continue;
    const file = await parseFile(next);
    files.push(file);
    if (file.isOld === true) notes.push(oldVersion(next));
    notes.push(...checkFile(file, hasPlugin));
    table = merge(table, migrate(file.table));
    waiting.push(...importsOf(file));
  }
  // Only now: a proxy may be in another file.
  const proxies = proxyUris(table);
  const isPlugin = (uri: string) => hasPlugin(uri) || proxies.includes(uri);
  for (const file of files) notes.push(...disabledNotes(file, isPlugin));
  return { table, files: files.map(({ path }) => path), notes };
}

function proxyUris({ proxy_plugins: proxies }: Table): readonly string[] {
  return Object.entries(isTable(proxies) ? proxies : {}).map(([id, proxy]) => {
    const type = String(isTable(proxy) ? proxy["type"] : "");
    return `${PROXY_TYPES[type as ProxyKind] ?? type}.${id}`;
  });
}

function oldVersion(file: string): ConfigNote {
  return {
    kind: "unused",
    key: "version",
    file,
    says: 'version 1 is read as version 2; "config migrate" writes the newest',
  };
}

export async function parseFile(path: string): Promise<ConfigFile> {
  const text = await Deno.readTextFile(path).catch((cause: Error) => {
    throw invalidArgument(
      `Cannot read configuration "${path}": ${cause.message}`,
      { cause },
    );
  });
  const { parse } = await import("smol-toml");
  let table: Table;
  try {
    table = parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : `${cause}`;
    throw invalidArgument(`Cannot parse configuration "${path}": ${reason}`, {
      cause,
    });
  }
  if (isVersion1(table)) {
    return { path, text, table: fromVersion1(table), isOld: true };
  }
  const file = { path, text, table };
  checkVersion(file);
  return file;
}

/** A file that says no version and doesn't look like version 1 is as ours. */
function checkVersion({ path, text, table }: ConfigFile): void {
  const { version = NEWEST_VERSION } = table;
  const isKnown = typeof version === "number" && Number.isInteger(version) &&
    version >= OLDEST_VERSION && version <= NEWEST_VERSION;
  if (isKnown) return;
  const line = keyLines(text)(["version"]);
  throw failedPrecondition(
    `Cannot use ${JSON.stringify(version)} for "version" in ${path} line ` +
      `${line}: expected a whole number from 1 to ${NEWEST_VERSION}`,
  );
}

function importsOf({ path, table }: ConfigFile): readonly string[] {
  const { imports = [] } = table;
  return (imports as readonly string[]).flatMap((it) => expandImport(path, it));
}

/** Lists of plugins add up; in all else the later file says what holds. */
const ADDED = ["disabled_plugins", "required_plugins", "imports"];

function merge(first: Table, second: Table, path = ""): Table {
  const merged: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const before = merged[name];
    if (isTable(before) && isTable(value)) {
      merged[name] = merge(before, value, `${path}${name}.`);
    } else if (
      path === "" && ADDED.includes(name) && Array.isArray(before) &&
      Array.isArray(value)
    ) {
      merged[name] = [...new Set([...before, ...value])];
    } else {
      merged[name] = value;
    }
  }
  return merged;
}
