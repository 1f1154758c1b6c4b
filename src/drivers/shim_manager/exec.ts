/** Further processes in a container that a shim keeps. */

import type { Context } from "../../base/context.ts";
import type { TypedValue } from "../../core/container.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type {
  ExecProcess,
  ExecRequest,
  ExitStatus,
  Leaving,
  TaskStdio,
} from "../../core/task.ts";
import type { SpecProcess } from "../../oci/runtime_spec.ts";
import type { Poller } from "../../sys/poller.ts";
import {
  catchSignals,
  type ForegroundDeps,
  waitInForeground,
} from "./foreground.ts";
import { openOurStdio, type OurStdio } from "./our_stdio.ts";
import {
  START_CALLS,
  type StartErrors,
  startFailure,
} from "./start_failure.ts";

const PROCESS_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/Process";

const NO_STDIO = { stdin: "", stdout: "", stderr: "" } as const;

export interface ExecDeps {
  readonly poller: Poller;
  readonly startErrors: StartErrors;
  /** `runc`, … for messages. */
  readonly kind: string;
  /** The bundle's directory. */
  readonly bundle: string;
  /** Calls the shim; the connection is closed when `call` settles. */
  readonly withShim: <T>(
    ctx: Context,
    call: (service: ShimService) => Promise<T>,
  ) => Promise<T>;
}

/** @throws {TaskStartError} */
export async function execProcess(
  ctx: Context,
  deps: ExecDeps,
  id: string,
  request: ExecRequest,
): Promise<ExecProcess> {
  const process = { id, execId: request.execId };
  const { stdio } = request;
  const spec = await request.process();
  return stdio.to === "none"
    ? await startAlone(ctx, deps, process, spec)
    : await startOnOurs(ctx, deps, process, spec, stdio);
}

async function startAlone(
  ctx: Context,
  deps: ExecDeps,
  process: ProcessRef,
  spec: SpecProcess,
): Promise<ExecProcess> {
  const pid = await deps.withShim(ctx, async (service) => {
    await add(ctx, service, process, spec, {
      ...NO_STDIO,
      terminal: spec.terminal === true,
    });
    return await start(ctx, deps, service, process);
  });
  return {
    pid,
    wait: () => deps.withShim(ctx, (service) => service.wait(ctx, process)),
  };
}

/** The connection is kept until the process has ended. */
async function startOnOurs(
  ctx: Context,
  deps: ExecDeps,
  process: ProcessRef,
  spec: SpecProcess,
  stdio: TaskStdio & { readonly leaving?: Leaving },
): Promise<ExecProcess> {
  const started = Promise.withResolvers<number>();
  const ended = deps.withShim(ctx, async (service) => {
    using streams = openOurStdio(deps.poller, stdio, {
      directory: `${deps.bundle}/io`,
      name: process.execId,
    }, stdio.leaving);
    using signals = catchSignals(ctx, stdio);
    await add(ctx, service, process, spec, streams.addresses);
    const pid = await start(ctx, deps, service, process);
    started.resolve(pid);
    const end = await Promise.race([
      follow(ctx, { service, process, streams, signals }),
      streams.left,
    ]);
    if (end !== undefined) return end;
    streams.handOver(pid);
    return "detached";
  });
  // Whoever does not wait for the end has not asked to hear of a failure.
  ended.catch((error) => started.reject(error));
  return { pid: await started.promise, wait: () => ended };
}

async function follow(
  ctx: Context,
  deps: ForegroundDeps,
): Promise<ExitStatus> {
  const { service, process, streams } = deps;
  const exit = await waitInForeground(ctx, deps);
  await streams.caughtUp();
  // The shim closes the FIFOs when it deletes the process.
  await service.delete(ctx, process);
  await streams.drained();
  return exit;
}

async function add(
  ctx: Context,
  service: ShimService,
  process: ProcessRef,
  spec: SpecProcess,
  stdio: OurStdio["addresses"],
): Promise<void> {
  await service.exec(ctx, { ...process, ...stdio, spec: encode(spec) });
}

async function start(
  ctx: Context,
  { startErrors, kind }: ExecDeps,
  service: ShimService,
  process: ProcessRef,
): Promise<number> {
  try {
    return await service.start(ctx, process);
  } catch (error) {
    await service.delete(ctx, process).catch(() => {});
    throw startFailure(startErrors, kind, START_CALLS.exec, error);
  }
}

function encode(spec: SpecProcess): TypedValue {
  return {
    typeUrl: PROCESS_TYPE,
    value: new TextEncoder().encode(JSON.stringify(spec)),
  };
}
