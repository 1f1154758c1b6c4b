/** Runs one more process in a container. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Host, RootDirectory } from "../core/host.ts";
import type { Services } from "../core/services.ts";
import { TaskStartError } from "../core/start_failure.ts";
import type { ExecRequest, ExitStatus, Task } from "../core/task.ts";
import type { Spec, SpecProcess } from "../oci/runtime_spec.ts";
import { capabilitySets } from "../oci/spec/capabilities.ts";
import { parseSpec } from "../oci/spec/serialize.ts";
import { resolveUser } from "../oci/users.ts";
import { checkCommand } from "./command_check.ts";
import { checkWorkdir } from "./workdir_check.ts";
import { mergeEnv } from "./options/environment.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
import { notRunning, runningTask } from "./running_task.ts";
import { publishDone } from "./task_events.ts";

/** For messages. */
const EXEC = "exec in";

/** For its shim to see that a container has ended. */
const END_MS = 1_000;
const PAUSE_MS = 20;

export interface ExecOptions {
  readonly args: readonly string[];
  /** As for `run`; the container's if absent. */
  readonly user?: string;
  readonly workdir?: string;
  /** `NAME=value` sets, `NAME` removes. */
  readonly env: readonly string[];
  readonly confinement: "confined" | "privileged";
  readonly stdio: ExecRequest["stdio"];
}

export interface ExecDeps {
  readonly services: Services;
  /** 64 random hexadecimal digits. */
  readonly newId: () => string;
  readonly now: () => Date;
}

/**
 * @param onStart is told that the process runs
 * @returns undefined if nobody waits for it; `detached` if its user has left it
 * @throws {TaskStartError}; {EngineError} `failedPrecondition` if the container
 * does not run
 */
export async function execInContainer(
  ctx: Context,
  { services, newId, now }: ExecDeps,
  container: Container,
  options: ExecOptions,
): Promise<ExitStatus | "detached" | undefined> {
  const { task, pid } = await startableTask(ctx, services, container);
  const execId = newId();
  const ids = { containerId: container.id, execId };
  let added: Promise<void> | undefined;
  const starting = task.exec(ctx, {
    execId,
    stdio: options.stdio,
    process: () =>
      Promise.try(() => {
        const spec = specOf(ctx, services, container);
        const { host } = services;
        const process = checkedProcess(host, container, spec, pid, options);
        added = soon(() => publishDone(ctx, services, "exec-added", ids));
        // It is awaited below, but may fail before.
        added.catch(() => {});
        return process;
      }),
  });
  const started = await starting.catch(async (error) => {
    // The runtime tells its own reasons.
    if (error instanceof TaskStartError) throw error;
    // Of what has ended there is a link that leads nowhere.
    if (services.host.exists(`${rootOf(pid)}/.`)) throw error;
    throw await endOr(error, ctx, services, container);
  });
  await added;
  const running = { ...ids, pid: started.pid };
  await publishDone(ctx, services, "exec-started", running);
  if (options.stdio.to === "none") return undefined;
  const exit = await started.wait();
  if (exit === "detached") return exit;
  // Whoever ended it has not ended this.
  const { signal } = new AbortController();
  await publishDone({ ...ctx, signal }, services, "exit", {
    containerId: container.id,
    id: execId,
    pid: started.pid,
    exitStatus: exit.exitCode,
    exitedAt: now().toISOString(),
  });
  return exit;
}

/** @returns that the container has ended meanwhile, or, if not, `error` */
async function endOr(
  error: unknown,
  ctx: Context,
  services: Services,
  container: Container,
): Promise<unknown> {
  for (let waited = 0; waited < END_MS; waited += PAUSE_MS) {
    const status = await containerStatus(ctx, services, container);
    if (!isAlive(status)) return notRunning(container, EXEC, error);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return error;
}

/** When the runtime has been told what it waits for. */
async function soon(work: () => Promise<unknown>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  await work();
}

/**
 * As recorded, or, if the command that started it was killed before it had done
 * that, as the runtime was told.
 */
function specOf(
  ctx: Context,
  { bundles }: Services,
  container: Container,
): Spec {
  const { id, spec } = container;
  if (spec !== undefined) {
    return parseSpec(new TextDecoder().decode(spec.value));
  }
  using bundle = bundles.join(ctx, { namespace: ctx.namespace, id });
  const text = bundle?.spec();
  // It is just ending, or somebody is removing it.
  if (text === undefined) throw notRunning(container, EXEC);
  return parseSpec(text);
}

/** @throws {TaskStartError} */
function checkedProcess(
  host: Host,
  container: Container,
  spec: Spec,
  pid: number,
  options: ExecOptions,
): SpecProcess {
  const process = execProcess(spec, options, host, pid);
  if (sharesKernel(container)) checkExecutable(spec, process, host, pid);
  return process;
}

async function startableTask(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<{ readonly task: Task; readonly pid: number }> {
  const found = await runningTask(ctx, services, container, EXEC);
  const { task, status } = found;
  if (status.state === "paused") {
    throw failedPrecondition(
      `Container ${container.id} is paused, unpause the container before exec`,
    );
  }
  return { task, pid: status.task.pid };
}

/** The root directory as the container's process sees it. */
function rootOf(pid: number): string {
  return `/proc/${pid}/root`;
}

/** Whether the runtime's process is in the container, not in front of it. */
function sharesKernel({ runtime: { name } }: Container): boolean {
  return /^(?:runc|crun|youki|io\.containerd\.runc\.v\d+)$/
    .test(name.slice(name.lastIndexOf("/") + 1));
}

/**
 * What is mounted may be what only the container's processes see, as in
 * `/proc`: that is left to the runtime.
 * @throws {TaskStartError}
 */
function checkExecutable(
  { mounts = [] }: Spec,
  { args, env = [], cwd }: SpecProcess,
  host: Host,
  pid: number,
): void {
  using root = host.openRoot(rootOf(pid));
  checkWorkdir({ cwd, root, mounts });
  checkCommand({ args: args ?? [], env, cwd, root, mounts });
}

/** The container's own process, with what is different. */
function execProcess(
  { process }: Spec,
  options: ExecOptions,
  host: Host,
  pid: number,
): SpecProcess {
  const isTerminal = options.stdio.to === "ours" &&
    options.stdio.kind === "terminal";
  const changed: SpecProcess = {
    ...process,
    args: options.args,
    cwd: options.workdir ?? process.cwd,
    env: mergeEnv(
      isTerminal ? ["TERM=xterm"] : [],
      // A client of the daemon may have left it out.
      process.env ?? [],
      options.env,
    ),
    terminal: isTerminal,
  };
  const asUser = options.user === undefined
    ? changed
    : withUser(changed, options.user, options.env, host, pid);
  return options.confinement === "confined" ? asUser : privileged(asUser, host);
}

function withUser(
  process: SpecProcess,
  wanted: string,
  env: readonly string[],
  host: Host,
  pid: number,
): SpecProcess {
  using root = host.openRoot(rootOf(pid));
  const { user, home } = resolveUser(wanted, [], {
    passwd: textOf(root, "/etc/passwd"),
    group: textOf(root, "/etc/group"),
  });
  const { capabilities } = process;
  return {
    ...process,
    user,
    env: mergeEnv(process.env, [`HOME=${home}`], env),
    ...capabilities === undefined
      ? {}
      : { capabilities: capabilitySets(capabilities.bounding, user.uid) },
  };
}

function privileged(process: SpecProcess, host: Host): SpecProcess {
  const all = [...host.facts().capabilitiesBounding];
  const { apparmorProfile: _, ...rest } = process;
  return { ...rest, capabilities: capabilitySets(all, process.user.uid) };
}

function textOf(root: RootDirectory, path: string): string {
  return root.readText(path) ?? "";
}
