/** `config default`, `config dump`, `config migrate`. */

import { notFound } from "../../base/errors.ts";
import { isTable } from "./config/check.ts";
import type { Table } from "./config/daemon_config.ts";
import { defaultTable, defaultText } from "./config/defaults.ts";
import { migrate } from "./config/migrate.ts";
import { parseFile, readConfig } from "./config/read.ts";
import type { DaemonLine } from "./flags.ts";
import { configFileOf, readSettings } from "./settings.ts";
import { surroundings } from "./surroundings.ts";

/** @returns TOML */
export async function configText(
  line: DaemonLine,
  which: "default" | "dump" | "migrate",
): Promise<string> {
  switch (which) {
    case "default":
      return defaultText();
    case "dump":
      return await toToml(await inForce(line));
    case "migrate":
      return await toToml(await migrated(line));
    default:
      return which satisfies never;
  }
}

async function toToml(table: Table): Promise<string> {
  const { stringify } = await import("smol-toml");
  return `${stringify(table)}\n`;
}

/** All keys: the defaults, the files over them, the command line over those. */
async function inForce(line: DaemonLine): Promise<Table> {
  const deps = { ...line, ...surroundings() };
  const { paths, address, log } = await readSettings(deps);
  const file = configFileOf(deps);
  const { table } = file === undefined
    ? { table: {} }
    : await readConfig(file, await deps.pluginFinder());
  const told = {
    ...paths,
    debug: log,
    plugins: {
      "io.containerd.server.v1.grpc": {
        address: address ?? `${paths.state}/coracle.sock`,
      },
    },
  };
  return [table, told].reduce<Table>(overlay, defaultTable());
}

/** Only what the file says, without what it imports. */
async function migrated(line: DaemonLine): Promise<Table> {
  const file = configFileOf({ ...line, ...surroundings() });
  if (file === undefined) {
    throw notFound("configuration file", line.flags.config ?? "config.toml", {
      hint: "Name one with --config",
    });
  }
  const { table } = await parseFile(file);
  return migrate(table);
}

function overlay(below: Table, above: Table): Table {
  const both: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const before = both[name];
    both[name] = isTable(before) && isTable(value)
      ? overlay(before, value)
      : value;
  }
  return both;
}
