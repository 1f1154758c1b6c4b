/** One run of the program, with everything it touches passed in. */

import { type Context, DEFAULT_NAMESPACE } from "../base/context.ts";
import { checkIdentifier } from "../base/identifier.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import {
  type CommandEntry,
  ExitError,
  type GlobalFlags,
  type Input,
  type Invocation,
  type OpenStore,
  type Output,
  type StoreOptions,
} from "./command.ts";
import { TaskStartError } from "../core/start_failure.ts";
import { ToldStartError } from "../core/told_start_error.ts";
import { ThroughSocketError } from "../core/through_socket.ts";
import { failureLines } from "./failure.ts";
import {
  type CommandLine,
  CommandLineError,
  parseCommandLine,
} from "./parse.ts";
import { interruptExitCode, type SignalWatch } from "./interrupt.ts";
import { BrokenPipe } from "./terminal.ts";

export interface ProgramDeps {
  readonly table: readonly CommandEntry[];
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: (name: string) => string | undefined;
  readonly now: () => Date;
  readonly createLog: (global: GlobalFlags) => Logger;
  readonly signals: SignalWatch;
  /** Opens the store; the program disposes it. */
  readonly connect: (
    options: GlobalFlags & StoreOptions,
    log: Logger,
  ) => Promise<OpenStore & AsyncDisposable>;
}

/** Exit code of a writer whose reader has gone: 128 + SIGPIPE. */
const EXIT_BROKEN_PIPE = 141;

/** Parses and runs `argv`; never throws. @returns the exit code */
export async function runProgram(
  argv: readonly string[],
  deps: ProgramDeps,
): Promise<number> {
  try {
    const line = await parseCommandLine(argv, deps.table);
    return await runLine(line, deps);
  } catch (error) {
    if (error instanceof BrokenPipe) return EXIT_BROKEN_PIPE;
    if (error instanceof CommandLineError) {
      return await reportUsage(error, deps.stderr);
    }
    return report(error, {}, deps.stderr, 1);
  }
}

async function runLine(line: CommandLine, deps: ProgramDeps): Promise<number> {
  switch (line.kind) {
    case "version": {
      const { versionLine } = await import("./commands/version.ts");
      deps.stdout.line(await versionLine());
      return 0;
    }
    case "help":
      return await showHelp(line, deps);
    case "command":
      return await runCommand(line, deps);
    default:
      return line satisfies never;
  }
}

async function showHelp(
  line: CommandLine & { kind: "help" },
  deps: ProgramDeps,
): Promise<number> {
  const { helpFor } = await import("./help.ts");
  const text = await helpFor(line.entry, line.path, deps.table);
  (line.asked ? deps.stdout : deps.stderr).write(text);
  return line.asked ? 0 : 1;
}

async function runCommand(
  line: CommandLine & { kind: "command" },
  deps: ProgramDeps,
): Promise<number> {
  const { spec, global } = line;
  const failed = spec.errorExitCode ?? 1;
  try {
    await using store = new LazyStore(global, deps);
    const inv = invocation(line, deps, store);
    const command = await spec.load();
    return await command.run(inv);
  } catch (error) {
    if (error instanceof BrokenPipe) return EXIT_BROKEN_PIPE;
    const interrupted = interruptExitCode(deps.signals);
    if (interrupted !== undefined) {
      if (deps.stderr.isTerminal) deps.stderr.line();
      if (global.debug === true) report(error, global, deps.stderr, failed);
      return interrupted;
    }
    return report(error, global, deps.stderr, failed);
  }
}

/** The store of one invocation, opened when first asked for. */
class LazyStore implements AsyncDisposable {
  readonly log: Logger;
  readonly #global: GlobalFlags;
  readonly #deps: ProgramDeps;
  #opening: Promise<OpenStore & AsyncDisposable> | undefined;

  constructor(global: GlobalFlags, deps: ProgramDeps) {
    this.#global = global;
    this.#deps = deps;
    this.log = deps.createLog(global);
  }

  open(options: StoreOptions = {}): Promise<OpenStore> {
    return this.#opening ??= this.#connect(options);
  }

  async #connect(options: StoreOptions): Promise<OpenStore & AsyncDisposable> {
    const { env, signals, connect } = this.#deps;
    const address = this.#global.address ?? nonEmpty(env("CONTAINERD_ADDRESS"));
    // From here on there is something to clean up after Ctrl-C.
    signals.start();
    const snapshotter = this.#global.snapshotter ??
      nonEmpty(env("CONTAINERD_SNAPSHOTTER"));
    const chosen = snapshotter === undefined ? {} : { snapshotter };
    return await connect(
      {
        ...{ ...this.#global, ...chosen, ...options },
        ...address === undefined ? {} : {
          address,
          namespace: namespaceOf(this.#global, env),
        },
      },
      this.log,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#opening === undefined) return;
    const store = await this.#opening.catch(() => undefined);
    await store?.[Symbol.asyncDispose]();
  }
}

function invocation(
  line: CommandLine & { kind: "command" },
  deps: ProgramDeps,
  store: LazyStore,
): Invocation {
  const { env, signals } = deps;
  const namespace = namespaceOf(line.global, env);
  const ctx: Context = {
    namespace: checkIdentifier("namespace", namespace),
    signal: signals.signal,
    log: store.log,
  };
  return {
    commandPath: line.path,
    spec: line.spec,
    flags: line.flags,
    args: line.args,
    global: line.global,
    stdin: deps.stdin,
    stdout: deps.stdout,
    stderr: deps.stderr,
    env,
    now: deps.now,
    ctx,
    store: (options) => store.open(options),
    services: async () => (await store.open()).services,
    takeSignals: () => signals.suspend(),
  };
}

function report(
  error: unknown,
  global: GlobalFlags,
  stderr: Output,
  exitCode: number,
): number {
  if (error instanceof ExitError) {
    if (error.message === "") return error.exitCode;
    exitCode = error.exitCode;
  }
  if (error instanceof ThroughSocketError) exitCode = error.exitCode;
  if (error instanceof TaskStartError) exitCode = error.exitCode;
  if (error instanceof ToldStartError) return exitCode;
  const show = global.debug === true ? "details" : "summary";
  const lines = failureLines(explained(error), { show });
  stderr.write(lines.join("\n") + "\n");
  return exitCode;
}

/** Says which permission is missing, where the system only says no. */
function explained(error: unknown): unknown {
  if (!(error instanceof Deno.errors.PermissionDenied)) return error;
  return new EngineError("permissionDenied", error.message, {
    cause: error,
    hint: "Run as the owner of the store, or name another one with --root",
  });
}

async function reportUsage(
  error: CommandLineError,
  stderr: Output,
): Promise<number> {
  const { usageOf } = await import("./help.ts");
  const lines = failureLines(error, { show: "summary" });
  const usage = await usageOf(error.entry, error.path);
  stderr.write([...lines, "", ...usage].join("\n") + "\n");
  return error.exitCode;
}

function namespaceOf(
  { namespace }: GlobalFlags,
  env: ProgramDeps["env"],
): string {
  return namespace ?? nonEmpty(env("CONTAINERD_NAMESPACE")) ??
    DEFAULT_NAMESPACE;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
