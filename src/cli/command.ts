/**
 * The words of the command table: what a command is called, which flags it
 * takes, and which module runs it. The table is data, so that one description
 * gives the parser, the help, the completion and the documentation; a
 * command's code is imported only when it is the one that runs.
 */

import type { Context } from "../base/context.ts";
import type { LogLevel } from "../base/log.ts";
import type { StartingTask } from "../app/early_shim.ts";
import type { Config } from "../app/config.ts";
import type { StorePaths } from "../app/paths.ts";
import type { RegistryTrust } from "../core/registry.ts";
import type { Services } from "../core/services.ts";

interface FlagBase {
  /** Without dashes: `memory-swap`. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Of the letter of a global flag: behind a command it means nothing. */
  readonly shortPlace?: "beforeCommand";
  /** One line; what the flag does. */
  readonly help: string;
  /** Accepted, but shown neither in the help nor in the completion. */
  readonly hidden?: boolean;
  /** What completes the value. */
  readonly completion?: Completion;
}

/** `--rm`, `--rm=false`. Absent means `default`, or else false. */
export interface BooleanFlag extends FlagBase {
  readonly kind: "boolean";
  readonly default?: boolean;
}

/** `--name web`, `--name=web`, `-n web`, `-nweb`. The last one counts. */
export interface StringFlag extends FlagBase {
  readonly kind: "string";
  /** Shown for the value in the help: `string`, `bytes`, `duration`. */
  readonly value?: string;
  readonly default?: string;
  /** The values there are; any other is refused by the parser. */
  readonly choices?: readonly string[];
}

/** `-e A=1 -e B=2`: every occurrence is kept, in order, never split. */
export interface ListFlag extends FlagBase {
  readonly kind: "list";
  readonly value?: string;
}

/** A decimal number, possibly negative or with a fraction. */
export interface NumberFlag extends FlagBase {
  readonly kind: "number";
  readonly value?: string;
  readonly default?: number;
  /** `integer` refuses fractions. */
  readonly shape?: "integer" | "decimal";
}

export type FlagSpec = BooleanFlag | StringFlag | ListFlag | NumberFlag;

/** What completes an argument or a flag's value. */
export type Completion =
  | "image"
  | "container"
  | "volume"
  | "file"
  | "directory"
  | "none"
  | readonly string[];

/** Where flags may stand. */
export type FlagOrder =
  /** Anywhere (the default). */
  | "mixed"
  /** Only before the first positional: `run IMAGE ls -la`. */
  | "first";

export interface CommandSpec {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Grammar of the positionals: `IMAGE [COMMAND] [ARG...]`. */
  readonly usage?: string;
  /** How many positionals; any number if absent. */
  readonly args?: Arity;
  readonly flags?: readonly FlagSpec[];
  /** A long list of flags, loaded only when the command is the one. */
  readonly loadFlags?: () => Promise<readonly FlagSpec[]>;
  /** Further ones, loaded only when what was typed can't do without them. */
  readonly loadRareFlags?: () => Promise<readonly FlagSpec[]>;
  readonly flagOrder?: FlagOrder;
  /** What completes the positionals. */
  readonly completion?: Completion;
  readonly examples?: readonly Example[];
  readonly hidden?: boolean;
  /** Exit code when the engine fails; 1 if absent, 125 for `run`. */
  readonly errorExitCode?: number;
  readonly load: () => Promise<CommandModule>;
}

export interface Arity {
  readonly min: number;
  /** Unlimited if absent. */
  readonly max?: number;
}

export interface Example {
  readonly line: string;
  readonly note?: string;
}

/** `image`, with `ls`, `rm`, … below it. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: boolean;
  readonly commands: readonly CommandSpec[];
}

export type CommandEntry = CommandSpec | CommandGroup;

export function isGroup(entry: CommandEntry): entry is CommandGroup {
  return "commands" in entry;
}

/** What a command's file exports. */
export interface CommandModule {
  /**
   * Runs the command.
   * @returns the exit code
   * @throws {EngineError} rendered as `coracle: …`, exit code
   * `errorExitCode ?? 1`; {ExitError} to choose another
   */
  run(inv: Invocation): Promise<number>;
}

/** The flags of one invocation. Asking for an undeclared one is a bug. */
export interface Flags {
  /** False if neither given nor defaulted. */
  boolean(name: string): boolean;
  string(name: string): string | undefined;
  number(name: string): number | undefined;
  list(name: string): readonly string[];
  /** True if it was on the command line, whatever its value. */
  given(name: string): boolean;
  /** False for the rare flags of a command if none of them was typed. */
  declares(name: string): boolean;
}

/** Flags that stand before the command, or anywhere among its own. */
export interface GlobalFlags {
  readonly root?: string;
  readonly state?: string;
  readonly namespace?: string;
  readonly address?: string;
  readonly snapshotter?: string;
  readonly runtime?: string;
  readonly logLevel?: LogLevel;
  readonly logFormat?: "text" | "json";
  /** Log level debug, and errors are shown with causes and stack. */
  readonly debug?: boolean;
}

/** Standard output or error. */
export interface Output {
  /**
   * Writes all of it before it returns.
   * @throws {BrokenPipe} if the reader is gone
   */
  write(text: string | Uint8Array): void;
  /** As `write`; what else there is to do goes on meanwhile. */
  writeMeanwhile(bytes: Uint8Array): Promise<void>;
  /** `write` with a line feed behind it. */
  line(text?: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in columns; 80 if there is none. */
  columns(): number;
  /** Height of the terminal in lines; 24 if there is none. */
  rows(): number;
}

export interface Input {
  readonly isTerminal: boolean;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The open store, closed by `main` after the command. */
export interface OpenStore {
  readonly services: Services;
  readonly paths: StorePaths;
  readonly config: Config;
  /** `other`: the services are those of a daemon behind a socket. */
  readonly daemon?: "other";
}

export interface StoreOptions {
  /** How far registries are trusted; only the first call decides. */
  readonly registryTrust?: RegistryTrust;
  /** When to finish what killed processes left: before the command if absent. */
  readonly leftovers?: "now" | "later";
  /** Container to finish, whose process has ended, whether or not its shim knows. */
  readonly ended?: string;
  /** What to do where no store is: `make` one if absent. */
  readonly ifAbsent?: "make" | "fail";
  /** What the command is about to start under a shim. */
  readonly starting?: StartingTask;
}

/** All that a command gets. */
export interface Invocation {
  /** As typed: `image ls`. */
  readonly commandPath: string;
  readonly spec: CommandSpec;
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly global: GlobalFlags;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: (name: string) => string | undefined;
  readonly now: () => Date;
  /** Its signal fires on the first SIGINT or SIGTERM. */
  readonly ctx: Context;
  /** Opens the store at the first call; the same one afterwards. */
  store(options?: StoreOptions): Promise<OpenStore>;
  /** `(await store()).services` */
  services(): Promise<Services>;
  /**
   * From now on the command handles SIGINT and SIGTERM itself (a foreground
   * container gets them). Disposing gives them back.
   */
  takeSignals(): Disposable;
}

/** Ends the command with an exit code of its own, after an optional message. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message = "", options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
