/** The daemon's own command line. */

import { invalidArgument } from "../../base/errors.ts";
import { isLevel, LEVELS } from "./log_level.ts";

/** By which name the program was called: its defaults are that one's. */
export type ProgramName = "coracle" | "containerd";

export interface DaemonFlags {
  readonly config?: string;
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** What is to be done. */
export type DaemonCommand =
  | "serve"
  | "help"
  | "version"
  | "default"
  | "dump"
  | "migrate";

export interface DaemonLine {
  readonly program: ProgramName;
  readonly command: DaemonCommand;
  readonly flags: DaemonFlags;
}

interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly key: keyof DaemonFlags;
  readonly value: string;
  readonly choices?: readonly string[];
  /** If it takes more than those. */
  readonly accepts?: (value: string) => boolean;
  readonly help: string;
}

export const DAEMON_FLAGS: readonly FlagSpec[] = [
  {
    name: "config",
    short: "c",
    key: "config",
    value: "file",
    help: "Configuration file",
  },
  {
    name: "root",
    key: "root",
    value: "dir",
    help: "Directory of images and snapshots",
  },
  {
    name: "state",
    key: "state",
    value: "dir",
    help: "Directory of what does not survive a reboot",
  },
  {
    name: "address",
    short: "a",
    key: "address",
    value: "socket",
    help: "Where to serve the API",
  },
  {
    name: "log-level",
    short: "l",
    key: "logLevel",
    value: "level",
    choices: LEVELS,
    accepts: isLevel,
    help: `Least important messages to write: ${LEVELS.join(", ")}`,
  },
  {
    name: "log-format",
    key: "logFormat",
    value: "format",
    choices: ["text", "json"],
    help: "How to write messages: text, json",
  },
];

/** Tells the program, started again, under which name it was called at first. */
const CALLED_CONTAINERD = "--as-containerd";

const CONFIG_COMMANDS = ["default", "dump", "migrate"] as const;

/**
 * @param args `daemon` first, unless the program is called containerd
 * @throws {EngineError} `invalidArgument` for what is no flag or command
 */
export function parseDaemonLine(args: readonly string[]): DaemonLine {
  const isOurs = args[0] === "daemon";
  const rest = isOurs ? args.slice(1) : [...args];
  const isRenamed = rest[0] === CALLED_CONTAINERD;
  if (isRenamed) rest.shift();
  const program = isOurs && !isRenamed ? "coracle" : "containerd";
  const flags: Record<string, string> = {};
  const words: string[] = [];
  while (rest.length > 0) {
    const arg = rest.shift() ?? "";
    if (["-h", "-help", "--help"].includes(arg)) {
      return { program, command: "help", flags };
    }
    if (["-v", "-version", "--version"].includes(arg)) {
      return { program, command: "version", flags };
    }
    if (!arg.startsWith("-")) words.push(arg);
    else takeFlag(arg, rest, flags);
  }
  return { program, command: commandOf(words), flags };
}

/** The arguments with which to start again, as the same program. */
export function argumentsAgain(
  { program }: DaemonLine,
  args: readonly string[],
): readonly string[] {
  return program === "containerd" && args[0] !== "daemon"
    ? ["daemon", CALLED_CONTAINERD, ...args]
    : args;
}

/** Flags may be written with one dash, as Go's are. */
function takeFlag(
  arg: string,
  rest: string[],
  flags: Record<string, string>,
): void {
  const [, name = "", given] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const spec = DAEMON_FLAGS.find((it) =>
    it.name === name || (it.short === name && !arg.startsWith("--"))
  );
  if (spec === undefined) {
    throw invalidArgument(`Cannot use flag "${arg}": there is none`, {
      hint: "--help lists the flags",
    });
  }
  const value = given ?? rest.shift();
  if (value === undefined) {
    throw invalidArgument(`Cannot use flag "--${spec.name}" without a value`);
  }
  const { choices, accepts = (value) => choices?.includes(value) } = spec;
  if (choices !== undefined && accepts(value) !== true) {
    throw invalidArgument(
      `Cannot use "${value}" for "--${spec.name}": expected ` +
        choices.join(", "),
    );
  }
  flags[spec.key] = value;
}

function commandOf(words: readonly string[]): DaemonCommand {
  const [first, second] = words;
  if (first === undefined) return "serve";
  if (first === "help" || first === "h") return "help";
  const kind = CONFIG_COMMANDS.find((it) => it === second);
  if (first === "config" && kind !== undefined && words.length === 2) {
    return kind;
  }
  throw invalidArgument(`Cannot run "${words.join(" ")}"`, {
    hint: `There are ${
      CONFIG_COMMANDS.map((it) => `"config ${it}"`).join(", ")
    }; without a command, the daemon starts`,
  });
}
