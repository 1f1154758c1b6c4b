/** The configuration that is in force where there is no file. */

import { formatPath } from "./check.ts";
import type { Table } from "./daemon_config.ts";
import { type Key, KEY_TABLES, type KeyTable } from "./keys.ts";
import { migrate } from "./migrate.ts";

/** In terms of the newest version; keys without effect are left out. */
export function defaultTable(): Table {
  const table: Record<string, unknown> = {};
  for (const { path, keys } of effective()) {
    if (path.includes("*")) continue;
    const at = path.reduce<Record<string, unknown>>(
      (parent, name) => (parent[name] ??= {}) as Record<string, unknown>,
      table,
    );
    for (const [name, key] of keys) at[name] = key.default;
  }
  // What older versions had elsewhere goes where it belongs.
  return migrate(table);
}

/** A file that changes nothing, for people to change. */
export function defaultText(): string {
  const head =
    "# All keys of the daemon's configuration with their defaults.\n" +
    "# What is missing is as it stands here. docs/configuration.md says more.\n";
  return [head, ...effective().map(sectionText)].join("\n");
}

type Effective = Omit<KeyTable, "keys"> & {
  readonly keys: readonly (readonly [string, Key])[];
};

function effective(): readonly Effective[] {
  return KEY_TABLES.filter(({ effect }) => effect === undefined)
    .map((table) => ({
      ...table,
      keys: Object.entries(table.keys === "open" ? {} : table.keys)
        .filter(([, { effect }]) => effect === undefined)
        // They are in the debug server's table now.
        .filter(([name]) => !isMovedSocket(table, name)),
    }))
    .filter(({ keys }) => keys.length > 0);
}

function isMovedSocket({ path }: KeyTable, name: string): boolean {
  const isSocket = ["address", "uid", "gid"].includes(name);
  return path[0] === "debug" && isSocket ||
    path[1] === "io.containerd.server.v1.metrics" && name === "grpc_histogram";
}

function sectionText({ path, says, keys }: Effective): string {
  // A name that stands for any is an example, which is not in force.
  const isExample = path.includes("*");
  const lines = keys.flatMap(([name, key]) => [
    `# ${key.says}`,
    // Written out, root's would be everybody's.
    `${key.varies === undefined ? "" : "#"}${name} = ` +
    tomlOf(key.default ?? ""),
  ]);
  const header = path.length === 0
    ? []
    : [`# ${says}`, `[${formatPath(path.map(nameOf))}]`];
  return [...header, ...lines]
    .map((line) => isExample && !line.startsWith("#") ? `# ${line}` : line)
    .join("\n") + "\n";
}

function nameOf(name: string): string {
  return name === "*" ? "NAME" : name;
}

/** TOML of what keys hold: it is JSON, but for tables, which are empty. */
function tomlOf(value: unknown): string {
  return JSON.stringify(value);
}
