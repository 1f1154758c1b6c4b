/** Waiting for processes of a daemon's, who may go away meanwhile. */

import { VersionDefinition } from "../../../proto/gen/containerd/services/version/v1/version.ts";
import { type Context, DEFAULT_NAMESPACE } from "../../base/context.ts";
import { EngineError, hasCode } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { ProcessRef } from "../../core/shim.ts";
import type { ExitStatus } from "../../core/task.ts";
import type { TaskService } from "../../core/task_service.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { LostDaemonError } from "../../core/through_socket.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { isSameProcess } from "../../runtime/same_process.ts";

/** In which a daemon that is started anew answers again. */
export const PATIENCE_MS = 5_000;
const PAUSE_MS = 100;
/** More often it is the work that ends the daemon. */
const MOST_REPEATS = 3;

/**
 * The shim keeps the process while its daemon is started anew.
 * @throws {EngineError} `unavailable` if that does not happen
 */
export async function waitPatiently(
  ctx: Context,
  tasks: Pick<TaskService, "wait">,
  process: ProcessRef,
): Promise<ExitStatus> {
  return await askPatiently(ctx, () => tasks.wait(ctx, process));
}

/**
 * Asks again while there is no daemon, unless who asks has waited for one.
 * @throws {EngineError} `unavailable` if none comes
 */
export async function askPatiently<T>(
  ctx: Context,
  ask: () => Promise<T>,
): Promise<T> {
  for (let lostMs = 0;; lostMs += PAUSE_MS) {
    const asked = performance.now();
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, "unavailable") || isNobodyThere(error)) throw error;
      // There was a daemon, which has gone only now.
      if (performance.now() - asked > PAUSE_MS) lostMs = 0;
      if (lostMs >= PATIENCE_MS) throw error;
    }
    await sleep(PAUSE_MS, ctx.signal);
    ctx.signal.throwIfAborted();
  }
}

/** Clients tell so when a daemon that was there has not come back. */
function isNobodyThere({ cause }: EngineError): boolean {
  return cause instanceof Deno.errors.NotFound ||
    cause instanceof Deno.errors.ConnectionRefused;
}

/** Of a daemon; it counts its connections and waits for one that comes back. */
export interface LosableDaemon {
  readonly connects: number;
  /** Any call that asks it nothing. */
  greet(ctx: Context): Promise<unknown>;
}

/** The daemon that a client has connected with. */
export function losable(client: GrpcClient): LosableDaemon {
  const { version } = client.stub(VersionDefinition);
  return {
    get connects() {
      return client.connects;
    },
    greet: ({ signal }) => version({}, { signal }),
  };
}

/**
 * Work that may be done again from its beginning: it is, where a daemon that is
 * started anew has cut it off.
 * @throws {EngineError} `unavailable` if none comes, and what the work throws
 */
export async function repeatIfLost<T>(
  ctx: Context,
  daemon: LosableDaemon,
  work: () => Promise<T>,
): Promise<T> {
  for (let left = MOST_REPEATS;; left--) {
    const { connects } = daemon;
    try {
      return await work();
    } catch (error) {
      // Undoing what was cut off fails, too.
      const why = EngineError.from(error);
      if (!hasCode(why, "unavailable") || left === 0) throw error;
      // Others than the daemon may be out of reach: registries.
      await untilBack(ctx, daemon);
      if (daemon.connects === connects) throw error;
      ctx.log.info("the daemon was lost, beginning again", { error: why });
    }
  }
}

async function untilBack(ctx: Context, daemon: LosableDaemon): Promise<void> {
  try {
    await askPatiently(ctx, () => daemon.greet(ctx));
  } catch (cause) {
    const { code, message } = EngineError.from(cause);
    throw new EngineError(code, `Lost the daemon: ${message}`, {
      cause,
      hint: "Try again when one serves there",
    });
  }
}

export interface LostTask {
  /** Of the daemon's socket. */
  readonly address: string;
  /** Of the container. */
  readonly name: string;
  /** `exec`: not the container's own, but one that was added; else absent. */
  readonly process?: "exec";
  /** What this side knows of the process. */
  readonly status: Pick<TaskStatus, "pid" | "pidStartTime"> | undefined;
}

export interface LostPlace {
  readonly address: string;
  readonly id: string;
  readonly nameOf: (ctx: Context) => Promise<string>;
}

/**
 * Waits for what a daemon does; if that is lost, its place is named as
 * `explainLoss` has it.
 * @param known asked for then
 */
export async function tellLoss<T>(
  ctx: Context,
  { address, id, nameOf }: LostPlace,
  work: Promise<T>,
  known: () => Pick<LostTask, "process" | "status">,
): Promise<T> {
  // Once the daemon is lost nobody tells it.
  const asked = nameOf(ctx).catch(() => id);
  try {
    return await work;
  } catch (error) {
    throw explainLoss(error, ctx, { address, name: await asked, ...known() });
  }
}

/** @returns what to throw: what is known of the process, or `error` */
export function explainLoss(
  error: unknown,
  { namespace }: Context,
  { address, name, process, status }: LostTask,
): unknown {
  if (!hasCode(error, "unavailable")) return error;
  const options = namespace === DEFAULT_NAMESPACE
    ? `--address ${address}`
    : `--address ${address} --namespace ${namespace}`;
  const shows = (command: string) =>
    `coracle ${options} ${command} shows it once a daemon serves there again`;
  const goesOn = status !== undefined && isSameProcess(status);
  const known = process === "exec"
    ? knownOfExec(goesOn, name, shows(`top ${name}`))
    : `${knownOfContainer(goesOn, name)}, ${shows("ps -a")}`;
  return new LostDaemonError(
    `Lost the daemon at "${address}": ${known}`,
    error,
  );
}

function knownOfContainer(goesOn: boolean, name: string): string {
  return goesOn
    ? `container "${name}" goes on`
    : `nobody tells what has become of container "${name}"`;
}

function knownOfExec(goesOn: boolean, name: string, shown: string): string {
  return goesOn
    ? `the command goes on in container "${name}", ${shown}`
    : `nobody tells how the command in container "${name}" has ended`;
}
