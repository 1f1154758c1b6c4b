/**
 * A logger for shims that are not ours, as containerd's `binary://` has it:
 * output comes on descriptor 3, errors on 4; 5 is closed when we are ready;
 * CONTAINER_ID and CONTAINER_NAMESPACE say whose they are.
 */

import { invalidArgument } from "../base/errors.ts";
import { BUFFER_BYTES, OutputReader } from "../shim/keeper/output.ts";
import { closeFd, setBlocking } from "../sys/descriptors.ts";
import { openPoller, type Poller } from "../sys/poller.ts";
import { spawn } from "../sys/process.ts";
import {
  hasStarted,
  isHeld,
  whenContainerEnds,
  whenLetGo,
} from "./container_end.ts";
import { selfCommand } from "./self.ts";
import { AttachServer } from "./shim_log_attach.ts";
import { Gate } from "./shim_log_gate.ts";
import { type LogTarget, openTarget } from "./shim_log_target.ts";

/** First argument of the process that waits in our place. */
const WHEN_LET_GO = "--when-let-go";

const STDOUT_FD = 3;
const STDERR_FD = 4;
const READY_FD = 5;

interface LogRequest {
  /** Of the container's files. */
  readonly directory: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  /**
   * Directory of the container's bundle. Shims may hold the streams open until
   * somebody deletes what has ended, so its end is what is waited for.
   */
  readonly bundle: string | undefined;
  /** Socket of the daemon by which the container is asked how it is. */
  readonly probeBy: string | undefined;
  /** Run when it has ended; nothing is if it is empty. */
  readonly finishCommand: readonly string[];
}

/**
 * `shim-log [--bundle PATH [--probe-by SOCKET]] DIRECTORY DRIVER [NAME=VALUE…]
 * [-- FINISH…]`
 * @returns the exit code
 */
export async function shimLog(args: readonly string[]): Promise<number> {
  if (args[0] === WHEN_LET_GO) return await finishLater(args.slice(1));
  const request = parse(args);
  const { directory, driver, options, bundle, finishCommand } = request;
  // What lies there must not be held busy.
  Deno.chdir("/");
  const poller = openPoller();
  const gate = new Gate();
  const files = { directory, ...container() };
  const target = { poller, gate, files, report: sayOnce() };
  const log = await openTarget(target, { driver, options }, bundle);
  const attached = bundle === undefined ? undefined : listen(bundle, gate);
  const copied = copyStreams({ poller, gate, log, attached });
  closeFd(READY_FD);
  const health = watchHealth(poller, request);
  if (bundle !== undefined) {
    const ended = whenContainerEnds(poller, bundle);
    await Promise.race([ended, copied]);
    attached?.release();
    // It may close its streams and go on.
    if (finishCommand.length > 0 && hasStarted(bundle)) await ended;
    await (await health)?.[Symbol.asyncDispose]();
    finishBundle(bundle, finishCommand);
  }
  await copied;
  await log.close();
  await attached?.end();
  await poller.close();
  if (bundle === undefined) finish(finishCommand);
  return 0;
}

/** Undefined if nobody is to probe, or can: its log matters more. */
async function watchHealth(
  poller: Poller,
  { bundle, probeBy: address }: LogRequest,
): Promise<AsyncDisposable | undefined> {
  if (bundle === undefined || address === undefined) return undefined;
  const { watchRemoteHealth } = await import("./remote/health.ts");
  try {
    return await watchRemoteHealth({
      ...{ address, bundle, poller },
      ...container(),
    });
  } catch {
    return undefined;
  }
}

function container(): { readonly id: string; readonly namespace: string } {
  return {
    id: Deno.env.get("CONTAINER_ID") ?? "",
    namespace: Deno.env.get("CONTAINER_NAMESPACE") ?? "",
  };
}

/** Undefined if nobody can be attached: its log matters more. */
function listen(bundle: string, gate: Gate): AttachServer | undefined {
  try {
    return AttachServer.listen(bundle, gate);
  } catch {
    return undefined;
  }
}

function parse(args: readonly string[]): LogRequest {
  const [bundle, afterBundle] = taken("--bundle", args);
  const [probeBy, afterProbe] = taken("--probe-by", afterBundle);
  const [directory = "", driver = "", ...rest] = afterProbe;
  if (!directory.startsWith("/") || driver === "") {
    throw invalidArgument(`Cannot log to directory "${directory}"`, {
      hint: "coracle shim-log DIRECTORY DRIVER [NAME=VALUE...]",
    });
  }
  const end = rest.indexOf("--");
  const options = end < 0 ? rest : rest.slice(0, end);
  return {
    directory,
    driver,
    bundle,
    probeBy,
    options: Object.fromEntries(options.map(pair)),
    finishCommand: end < 0 ? [] : rest.slice(end + 1),
  };
}

/** @returns the value of a flag in front, and what follows it */
function taken(
  flag: string,
  args: readonly string[],
): readonly [value: string | undefined, rest: readonly string[]] {
  return args[0] === flag ? [args[1], args.slice(2)] : [undefined, args];
}

function pair(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw invalidArgument(`Cannot use log option "${text}": not NAME=VALUE`);
}

interface Copying {
  readonly poller: Poller;
  readonly gate: Gate;
  readonly log: LogTarget;
  readonly attached: AttachServer | undefined;
}

/** Settles when both have ended, or we are told to end. */
async function copyStreams(
  { poller, gate, log, attached }: Copying,
): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const readers = ([["stdout", STDOUT_FD], ["stderr", STDERR_FD]] as const)
    .map(([stream, fd]) => {
      setBlocking(fd, "nonblocking");
      return new OutputReader(
        poller,
        fd,
        buffer,
        (bytes) => {
          log.write(stream, bytes);
          attached?.push(stream, bytes);
        },
      );
    });
  gate.watch(readers);
  const stop = () => {
    for (const reader of readers) {
      reader.drain();
      reader.stop();
    }
  };
  // For good: shims close our input first, and then tell us to end, which must
  // not keep the rest from those who are attached, or from a log.
  Deno.addSignalListener("SIGTERM", stop);
  await Promise.all(readers.map(({ ended }) => ended));
  closeFd(STDOUT_FD);
  closeFd(STDERR_FD);
}

/** To whoever reads what the shim says; a full disk fails for each line. */
function sayOnce(): (error: unknown) => void {
  const said = new Set<string>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (said.has(message)) return;
    said.add(message);
    try {
      Deno.stderr.writeSync(new TextEncoder().encode(`coracle: ${message}\n`));
    } catch {
      // Nobody reads it.
    }
  };
}

/**
 * Who holds the bundle may be deleting the task, which waits for us: another
 * process waits for him.
 */
function finishBundle(bundle: string, command: readonly string[]): void {
  if (command.length === 0) return;
  const later = [...selfCommand(), "shim-log", WHEN_LET_GO, bundle];
  finish(isHeld(bundle) ? [...later, ...command] : command);
}

/** `shim-log --when-let-go BUNDLE FINISH…` */
async function finishLater(
  [bundle = "", ...command]: readonly string[],
): Promise<number> {
  await whenLetGo(bundle);
  // Whoever was just starting it has written down its process by now: it may
  // have closed its streams, and go on.
  if (hasStarted(bundle)) {
    const poller = openPoller();
    await whenContainerEnds(poller, bundle);
    await poller.close();
  }
  finish(command);
  return 0;
}

function finish([path, ...args]: readonly string[]): void {
  if (path === undefined) return;
  spawn({
    path,
    args,
    env: Object.entries(Deno.env.toObject())
      .map(([name, value]) => `${name}=${value}`),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    processGroup: "own",
    session: "new",
  });
}
