/** From `argv` and the command table to one command and its flags. */

import type { LogLevel } from "../base/log.ts";
import {
  type CommandEntry,
  type CommandGroup,
  type CommandSpec,
  type FlagSpec,
  type GlobalFlags,
  isGroup,
} from "./command.ts";
import { FlagValues, scanFlags, UsageError } from "./flags.ts";
import { GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG } from "./global_flags.ts";
import { nearest } from "./suggest.ts";

export type CommandLine =
  | {
    readonly kind: "command";
    /** As in the help, `image ls`, also if an alias was typed. */
    readonly path: string;
    readonly spec: CommandSpec;
    readonly flags: FlagValues;
    readonly args: readonly string[];
    readonly global: GlobalFlags;
  }
  | {
    readonly kind: "help";
    readonly path: string;
    /** Absent for the whole program's help. */
    readonly entry?: CommandEntry;
    /** True if it was asked for, false if a command is missing. */
    readonly asked: boolean;
    readonly global: GlobalFlags;
  }
  | { readonly kind: "version"; readonly global: GlobalFlags };

/** What was typed is wrong, and where: help is offered for `path`. */
export class CommandLineError extends UsageError {
  readonly path: string;
  readonly entry: CommandEntry | undefined;
  readonly global: GlobalFlags;

  constructor(
    error: UsageError,
    at: {
      readonly path: string;
      readonly entry?: CommandEntry;
      readonly global: GlobalFlags;
    },
  ) {
    super(error.message, {
      exitCode: error.exitCode,
      ...error.hint === undefined ? {} : { hint: error.hint },
    });
    this.path = at.path;
    this.entry = at.entry;
    this.global = at.global;
  }
}

/** @throws {CommandLineError} */
export async function parseCommandLine(
  argv: readonly string[],
  table: readonly CommandEntry[],
): Promise<CommandLine> {
  const top = scanTop(argv);
  const { global } = top;
  if (top.help) return { kind: "help", path: "", asked: true, global };
  if (top.version) return { kind: "version", global };
  const [name, ...rest] = top.rest;
  if (name === undefined) {
    return { kind: "help", path: "", asked: false, global };
  }
  const entry = find(table, name);
  if (entry === undefined) {
    throw at("", undefined, global, () => unknownCommand(name, "", table));
  }
  return isGroup(entry)
    ? await parseGroup(entry, rest, global)
    : await parseCommand(entry, entry.name, rest, global);
}

function scanTop(argv: readonly string[]) {
  const flags = new FlagValues([...GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG]);
  try {
    const rest = scanFlags(
      argv,
      [...GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG],
      { order: "first" },
      (spec, text) => flags.set(spec, text),
    );
    return {
      rest,
      global: readGlobal(flags),
      help: flags.boolean("help"),
      version: flags.boolean("version"),
    };
  } catch (error) {
    throw error instanceof UsageError ? at("", undefined, {}, error) : error;
  }
}

async function parseGroup(
  group: CommandGroup,
  argv: readonly string[],
  global: GlobalFlags,
): Promise<CommandLine> {
  const flags = new FlagValues([HELP_FLAG]);
  const path = group.name;
  let rest: readonly string[];
  try {
    rest = scanFlags(
      argv,
      [HELP_FLAG],
      { order: "first" },
      (spec, text) => flags.set(spec, text),
    );
  } catch (error) {
    throw error instanceof UsageError ? at(path, group, global, error) : error;
  }
  const [name, ...more] = rest;
  if (name === undefined) {
    const asked = flags.boolean("help");
    return { kind: "help", path, entry: group, asked, global };
  }
  const spec = find(group.commands, name);
  if (spec === undefined) {
    throw at(
      path,
      group,
      global,
      () => unknownCommand(name, `${path} `, group.commands),
    );
  }
  return await parseCommand(spec, `${path} ${spec.name}`, more, global);
}

async function parseCommand(
  spec: CommandSpec,
  path: string,
  argv: readonly string[],
  before: GlobalFlags,
): Promise<CommandLine> {
  try {
    return parseWith(await usualFlags(spec), spec, path, argv, before);
  } catch (error) {
    if (!(error instanceof UsageError) || spec.loadRareFlags === undefined) {
      throw error;
    }
  }
  return parseWith(await flagsOf(spec), spec, path, argv, before);
}

/** @param own the command's flags, as far as they are to be understood */
function parseWith(
  own: readonly FlagSpec[],
  spec: CommandSpec,
  path: string,
  argv: readonly string[],
  before: GlobalFlags,
): CommandLine {
  const declared = [...own, ...inherited(own)];
  const flags = new FlagValues(declared);
  const globals = new FlagValues(GLOBAL_FLAGS);
  const isOwn = new Set(own);
  try {
    const args = scanFlags(
      argv,
      declared,
      { order: spec.flagOrder ?? "mixed" },
      (flag, text) =>
        (isOwn.has(flag) || flag.name === HELP_FLAG.name ? flags : globals).set(
          flag,
          text,
        ),
    );
    const global = { ...before, ...readGlobal(globals) };
    if (flags.boolean("help")) {
      return { kind: "help", path, entry: spec, asked: true, global };
    }
    checkArity(spec, path, args.length);
    return { kind: "command", path, spec, flags, args, global };
  } catch (error) {
    throw error instanceof UsageError ? at(path, spec, before, error) : error;
  }
}

/** All flags of a command's own. */
export async function flagsOf(
  spec: CommandSpec,
): Promise<readonly FlagSpec[]> {
  const rare = await spec.loadRareFlags?.() ?? [];
  return [...await usualFlags(spec), ...rare];
}

async function usualFlags(spec: CommandSpec): Promise<readonly FlagSpec[]> {
  const more = await spec.loadFlags?.() ?? [];
  return [...(spec.flags ?? []), ...more];
}

/**
 * Global flags are taken behind the command, too, where the command itself
 * does not use their name or letter: `run -h HOST` is the host name. The letter
 * of some is for before the command only.
 */
function inherited(own: readonly FlagSpec[]): readonly FlagSpec[] {
  const names = new Set(own.map((flag) => flag.name));
  const letters = new Set(own.map((flag) => flag.short));
  return [...GLOBAL_FLAGS, HELP_FLAG]
    .filter((flag) => !names.has(flag.name))
    .map((flag) =>
      letters.has(flag.short) || flag.shortPlace === "beforeCommand"
        ? withoutShort(flag)
        : flag
    );
}

function withoutShort(flag: FlagSpec): FlagSpec {
  const { short: _, ...rest } = flag;
  return rest;
}

function find<E extends CommandEntry>(
  table: readonly E[],
  name: string,
): E | undefined {
  return table.find((entry) =>
    entry.name === name ||
    (!isGroup(entry) && entry.aliases?.includes(name) === true)
  );
}

function unknownCommand(
  name: string,
  prefix: string,
  table: readonly CommandEntry[],
): UsageError {
  const names = table
    .filter((entry) => entry.hidden !== true)
    .flatMap((entry) =>
      isGroup(entry) ? [entry.name] : [entry.name, ...entry.aliases ?? []]
    );
  const near = inGroups(name, table) ?? nearest(name, names);
  return new UsageError(`unknown command: coracle ${prefix}${name}`, {
    exitCode: 1,
    ...near === undefined
      ? {}
      : { hint: `Did you mean coracle ${prefix}${near}?` },
  });
}

/** `system prune` for `prune`: commands that only groups have. */
function inGroups(
  name: string,
  table: readonly CommandEntry[],
): string | undefined {
  const paths = table.filter(isGroup)
    .filter((group) => group.hidden !== true && find(group.commands, name))
    .map((group) => `${group.name} ${name}`);
  // Those of the whole store come first to mind.
  const first = paths.find((path) => path.startsWith("system ")) ?? paths[0];
  const others = paths.filter((path) => path !== first);
  return first === undefined
    ? undefined
    : [first, ...others.map((path) => `coracle ${path}`)].join(", ");
}

function checkArity(spec: CommandSpec, path: string, count: number): void {
  const { min = 0, max = Infinity } = spec.args ?? {};
  if (count >= min && count <= max) return;
  const plural = (n: number) => `${n} argument${n === 1 ? "" : "s"}`;
  const wanted = min === max
    ? (min === 0 ? "accepts no arguments" : `requires ${plural(min)}`)
    : count < min
    ? `requires at least ${plural(min)}`
    : `requires at most ${plural(max)}`;
  throw new UsageError(`'coracle ${path}' ${wanted}`, { exitCode: 1 });
}

function at(
  path: string,
  entry: CommandEntry | undefined,
  global: GlobalFlags,
  error: UsageError | (() => UsageError),
): CommandLineError {
  return new CommandLineError(
    typeof error === "function" ? error() : error,
    { path, ...entry === undefined ? {} : { entry }, global },
  );
}

function readGlobal(flags: FlagValues): GlobalFlags {
  const texts = {
    root: flags.string("root"),
    state: flags.string("state"),
    namespace: flags.string("namespace"),
    address: flags.string("address"),
    snapshotter: flags.string("snapshotter"),
    runtime: flags.string("runtime"),
    logLevel: flags.string("log-level") as LogLevel | undefined,
    logFormat: flags.string("log-format") as "text" | "json" | undefined,
    debug: flags.given("debug") ? flags.boolean("debug") : undefined,
  };
  return Object.fromEntries(
    Object.entries(texts).filter(([, value]) => value !== undefined),
  );
}
