/** Help, written from the command table in docker's layout. */

import {
  type CommandEntry,
  type CommandGroup,
  type CommandSpec,
  type FlagSpec,
  isGroup,
} from "./command.ts";
import { GLOBAL_FLAGS, VERSION_FLAG } from "./global_flags.ts";
import { flagsOf } from "./parse.ts";

/** Commands that the overview puts first. */
const COMMON = ["run", "ps", "pull", "push", "images", "login", "logout"];

/** Help of the whole program. */
export function programHelp(table: readonly CommandEntry[]): string {
  const shown = table.filter((entry) => entry.hidden !== true);
  const commands = shown.filter((entry) => !isGroup(entry));
  const isCommon = (entry: CommandEntry) => COMMON.includes(entry.name);
  return sections([
    "Usage:  coracle [OPTIONS] COMMAND",
    "A container engine in one file, with no daemon",
    section("Common Commands", commands.filter(isCommon).sort(byCommon)),
    section("Management Commands", shown.filter(isGroup).sort(byName)),
    section("Commands", commands.filter((c) => !isCommon(c)).sort(byName)),
    flagSection("Global Options", [...GLOBAL_FLAGS, VERSION_FLAG]),
    "Run 'coracle COMMAND --help' for more information on a command.",
  ]);
}

/** Help of a group: `coracle image --help`. */
export function groupHelp(group: CommandGroup): string {
  const shown = group.commands.filter((command) => command.hidden !== true);
  return sections([
    `Usage:  coracle ${group.name} COMMAND`,
    group.summary,
    section("Commands", [...shown].sort(byName)),
    `Run 'coracle ${group.name} COMMAND --help' for more information on a command.`,
  ]);
}

/**
 * Help of one command.
 * @param path as typed, `image ls`
 */
export async function commandHelp(
  spec: CommandSpec,
  path: string,
): Promise<string> {
  const flags = await flagsOf(spec);
  const examples = (spec.examples ?? []).map(({ line, note }) =>
    note === undefined ? `  ${line}` : `  # ${note}\n  ${line}`
  );
  return sections([
    usageLine(spec, path, flags.length > 0 ? "with flags" : "without flags"),
    spec.summary,
    aliasSection(spec, path),
    flagSection("Options", flags),
    examples.length === 0 ? "" : `Examples:\n${examples.join("\n")}`,
  ]);
}

/** `Usage:  coracle run [OPTIONS] IMAGE [COMMAND] [ARG...]` */
export function usageLine(
  spec: CommandSpec,
  path: string,
  kind: "with flags" | "without flags",
): string {
  const parts = ["Usage:  coracle", path];
  if (kind === "with flags") parts.push("[OPTIONS]");
  if (spec.usage !== undefined) parts.push(spec.usage);
  return parts.join(" ");
}

function aliasSection(spec: CommandSpec, path: string): string {
  if (spec.aliases === undefined) return "";
  const prefix = path.slice(0, path.lastIndexOf(" ") + 1);
  const names = [spec.name, ...spec.aliases];
  const lines = names.map((name) => `coracle ${prefix}${name}`);
  return `Aliases:\n  ${lines.join(", ")}`;
}

function section(title: string, entries: readonly CommandEntry[]): string {
  if (entries.length === 0) return "";
  const width = Math.max(...entries.map((entry) => entry.name.length));
  const lines = entries.map((entry) =>
    `  ${entry.name.padEnd(width)}  ${entry.summary}`
  );
  return `${title}:\n${lines.join("\n")}`;
}

function flagSection(title: string, flags: readonly FlagSpec[]): string {
  const shown = flags.filter((flag) => flag.hidden !== true).sort(byName);
  if (shown.length === 0) return "";
  const heads = shown.map(flagHead);
  const width = Math.max(...heads.map((head) => head.length));
  const lines = shown.map((flag, index) => {
    const head = heads[index]?.padEnd(width) ?? "";
    return `  ${head}   ${flag.help}${defaultText(flag)}`;
  });
  return `${title}:\n${lines.join("\n")}`;
}

function flagHead(flag: FlagSpec): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = valueName(flag);
  return `${short}--${flag.name}${value === "" ? "" : ` ${value}`}`;
}

function valueName(flag: FlagSpec): string {
  switch (flag.kind) {
    case "boolean":
      return "";
    case "string":
      return flag.value ?? "string";
    case "list":
      return flag.value ?? "list";
    case "number":
      return flag.value ?? "number";
    default:
      return flag satisfies never;
  }
}

function defaultText(flag: FlagSpec): string {
  if (!("default" in flag) || flag.default === false) return "";
  return ` (default ${JSON.stringify(flag.default)})`;
}

function sections(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byCommon(a: CommandEntry, b: CommandEntry): number {
  return COMMON.indexOf(a.name) - COMMON.indexOf(b.name);
}

/** Help of whatever `entry` is; of the program if it is nothing. */
export async function helpFor(
  entry: CommandEntry | undefined,
  path: string,
  table: readonly CommandEntry[],
): Promise<string> {
  if (entry === undefined) return programHelp(table);
  return isGroup(entry) ? groupHelp(entry) : await commandHelp(entry, path);
}

/** What follows a complaint about the command line. */
export async function usageOf(
  entry: CommandEntry | undefined,
  path: string,
): Promise<readonly string[]> {
  if (entry === undefined) {
    return ["Run 'coracle --help' for a list of commands"];
  }
  const more = `Run 'coracle ${path} --help' for more information`;
  if (isGroup(entry)) return [`Usage:  coracle ${path} COMMAND`, "", more];
  const { length } = await flagsOf(entry);
  const kind = length > 0 ? "with flags" : "without flags";
  return [usageLine(entry, path, kind), "", more];
}
