/** The flags of a containerd shim, written as Go programs take them. */

import { invalidArgument } from "../base/errors.ts";

export interface ShimFlags {
  readonly namespace: string;
  /** Of the task. */
  readonly id: string;
  /** Of containerd's gRPC socket. */
  readonly address: string;
  /** The program that publishes events where ttrpc is not to be had. */
  readonly publishBinary: string;
  /** Absolute; empty for the working directory. */
  readonly bundle: string;
  /** To listen on. */
  readonly socket: string;
  /** The descriptor on which to say that it listens; empty for none. */
  readonly ready: string;
  readonly logLevel: "debug" | "info";
  readonly action: ShimAction;
}

export type ShimAction = "start" | "delete" | "serve" | "version" | "info";

const TEXT_FLAGS = {
  namespace: "namespace",
  id: "id",
  address: "address",
  "publish-binary": "publishBinary",
  bundle: "bundle",
  socket: "socket",
  ready: "ready",
  // Accepted, and of no use here.
  "debug-socket": "debugSocket",
} as const;
const SWITCHES: ReadonlySet<string> = new Set([
  "debug",
  "v",
  "version",
  "info",
]);

/** @throws {EngineError} `invalidArgument` */
export function parseShimFlags(args: readonly string[]): ShimFlags {
  const texts = new Map<string, string>();
  const switches = new Set<string>();
  const rest = [...args];
  while (rest[0]?.startsWith("-")) {
    const [name, value] = splitFlag(rest.shift() ?? "");
    if (SWITCHES.has(name)) {
      if (value !== "false") switches.add(name);
    } else if (isTextFlag(name)) {
      const text = value ?? rest.shift();
      if (text === undefined) throw unusable(name, "it needs a value");
      texts.set(TEXT_FLAGS[name], text);
    } else throw unusable(name, "there is no such flag");
  }
  const text = (key: string) => texts.get(key) ?? "";
  return {
    namespace: text("namespace"),
    id: text("id"),
    address: text("address"),
    publishBinary: text("publishBinary"),
    bundle: text("bundle"),
    socket: text("socket"),
    ready: text("ready"),
    logLevel: switches.has("debug") ? "debug" : "info",
    action: actionOf(switches, rest[0]),
  };
}

/** `-name`, `--name`, `-name=value` */
function splitFlag(flag: string): readonly [string, string | undefined] {
  const [, name = "", value] = /^--?([^=]*)(?:=(.*))?$/s.exec(flag) ?? [];
  return [name, value];
}

function isTextFlag(name: string): name is keyof typeof TEXT_FLAGS {
  return Object.hasOwn(TEXT_FLAGS, name);
}

function actionOf(
  switches: ReadonlySet<string>,
  word: string | undefined,
): ShimAction {
  if (switches.has("v") || switches.has("version")) return "version";
  if (switches.has("info")) return "info";
  if (word === undefined) return "serve";
  if (word === "start" || word === "delete") return word;
  throw invalidArgument(`Cannot run the shim with "${word}"`, {
    hint: "Its verbs are start and delete",
  });
}

function unusable(flag: string, reason: string) {
  return invalidArgument(`Cannot use flag "-${flag}": ${reason}`);
}
