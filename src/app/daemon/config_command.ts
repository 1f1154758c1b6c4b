/** `config default`, `config dump`, `config migrate`. */

import { notFound } from "../../base/errors.ts";
import { type LogSettings, stderrLogger } from "../log_sink.ts";
import { checkFile, type ConfigNote, isTable } from "./config/check.ts";
import type { Table } from "./config/daemon_config.ts";
import { disabledNotes } from "./config/disabled.ts";
import { defaultTable, defaultText } from "./config/defaults.ts";
import { migrate } from "./config/migrate.ts";
import { parseFile, readConfig } from "./config/read.ts";
import type { DaemonLine } from "./flags.ts";
import { configFileOf, findsPlugin, readSettings } from "./settings.ts";
import { logNotes } from "./start.ts";
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
  const { paths, address, log, notes } = await readSettings(deps);
  warnOf(notes, log.format);
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
  const deps = { ...line, ...surroundings() };
  const file = configFileOf(deps);
  if (file === undefined) {
    throw notFound("configuration file", line.flags.config ?? "config.toml", {
      hint: "Name one with --config",
    });
  }
  const parsed = await parseFile(file);
  const hasPlugin = await findsPlugin(deps);
  const format = line.flags.logFormat === "json" ? "json" : "text";
  warnOf(checkFile(parsed, hasPlugin), format);
  warnOf(disabledNotes(parsed, hasPlugin), format);
  return migrate(parsed.table);
}

/** What is wrong with the file, as the daemon says it: it gets into the output. */
function warnOf(
  notes: readonly ConfigNote[],
  format: LogSettings["format"],
): void {
  logNotes(notes, stderrLogger({ level: "warn", format }));
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
