/**
 * Makes tasks what the labels of their containers say they should be, in all
 * namespaces: starts them again, or ends them.
 *
 * @see containerd, plugins/restart
 */

import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import { SIGNALS } from "../base/signals.ts";
import { sleep } from "../base/sleep.ts";
import type { Container, ContainerStore } from "../core/container.ts";
import type { Mount } from "../core/mount.ts";
import type { NamespaceStore } from "../core/namespace.ts";
import type { Services } from "../core/services.ts";
import type { ShimProcessState, StdioAddresses } from "../core/shim.ts";
import type { TaskService } from "../core/task_service.ts";
import { RESTART_LABEL, restartCount, wantsRestart } from "./restart_policy.ts";

export interface RestartMonitorDeps {
  readonly containers: ContainerStore;
  readonly namespaces: NamespaceStore;
  readonly snapshotters: Services["snapshotters"];
  readonly defaultSnapshotter: string;
  readonly tasks: TaskService;
  readonly now: () => Date;
}

/** For whoever has just written a container and is about to start it. */
const GRACE_MS = 2_000;

const WATCHED = [`labels."${RESTART_LABEL.status}"`];

export class RestartMonitor {
  readonly #deps: RestartMonitorDeps;
  /** Tasks that were there, but not started, when we last looked. */
  #fresh: ReadonlySet<string> = new Set();

  constructor(deps: RestartMonitorDeps) {
    this.#deps = deps;
  }

  /** @param intervalMs between looking at all, until the signal fires */
  async run(ctx: Context, intervalMs: number): Promise<void> {
    while (!ctx.signal.aborted) {
      try {
        await this.look(ctx);
      } catch (error) {
        if (!ctx.signal.aborted) {
          ctx.log.error("Cannot look for containers to restart", { error });
        }
      }
      await sleep(intervalMs, ctx.signal);
    }
  }

  /** Looks at all containers once, and does what is to do. */
  async look(ctx: Context): Promise<void> {
    const { namespaces, containers } = this.#deps;
    const fresh = new Set<string>();
    const work: Promise<void>[] = [];
    for await (const { name } of namespaces.list({ ...ctx, namespace: "" })) {
      const there = { ...ctx, namespace: name };
      for await (const container of containers.list(there, WATCHED)) {
        work.push(this.#attend(there, container, fresh));
      }
    }
    await Promise.all(work);
    this.#fresh = fresh;
  }

  async #attend(
    ctx: Context,
    container: Container,
    fresh: Set<string>,
  ): Promise<void> {
    const { id, labels } = container;
    const log = ctx.log.with({ namespace: ctx.namespace, container: id });
    const { tasks } = this.#deps;
    try {
      const state = await stateOf(ctx, tasks, id);
      const wanted = labels[RESTART_LABEL.status];
      if (wanted === "stopped") {
        if (state === undefined || state.status === "stopped") return;
        log.info("Ending a task that is to be stopped");
        await endTask(ctx, tasks, state);
      } else if (
        wanted === "running" && this.#isDown(ctx, state, container, fresh)
      ) {
        if (!wantsRestart(labels, state?.exit?.exitCode ?? 0)) return;
        log.info("Restarting a task", { exitCode: state?.exit?.exitCode });
        await this.#restart(ctx, id, state);
      }
    } catch (error) {
      if (!ctx.signal.aborted) log.error("Cannot restart a task", { error });
    }
  }

  /**
   * Whoever is about to start a task has written its container or made it
   * first, and gets some time to do so.
   */
  #isDown(
    { namespace }: Context,
    state: ShimProcessState | undefined,
    { id, updatedAt }: Container,
    fresh: Set<string>,
  ): boolean {
    if (state?.status === "stopped") return true;
    const age = this.#deps.now().getTime() - updatedAt.getTime();
    if (state === undefined) return age >= GRACE_MS;
    if (state.status !== "created") return false;
    const key = `${namespace}/${id}`;
    fresh.add(key);
    return age >= GRACE_MS && this.#fresh.has(key);
  }

  async #restart(
    ctx: Context,
    id: string,
    state: ShimProcessState | undefined,
  ): Promise<void> {
    const { containers, tasks } = this.#deps;
    // The list has no specs, and what it says of labels may be out of date.
    const container = await containers.get(ctx, id);
    if (!isWanted(container)) return;
    const count = restartCount(container.labels) + 1;
    await containers.update(ctx, {
      id,
      runtime: container.runtime,
      labels: { [RESTART_LABEL.count]: String(count) },
    }, [`labels.${RESTART_LABEL.count}`]);
    if (state !== undefined) await endTask(ctx, tasks, state);
    await tasks.create(ctx, {
      id,
      rootfs: await this.#rootfs(ctx, container),
      runtimePath: "",
      ...streamsOf(container),
    });
    const task = { id, execId: "" };
    // Whoever has ended it meanwhile does not look for a life that is to come.
    const latest = await unlessMissing(containers.get(ctx, id));
    if (latest !== undefined && isWanted(latest)) await tasks.start(ctx, task);
    else await unlessMissing(tasks.delete(ctx, task));
  }

  async #rootfs(
    ctx: Context,
    { snapshotter, snapshotKey }: Container,
  ): Promise<readonly Mount[]> {
    if (snapshotKey === "") return [];
    const { snapshotters, defaultSnapshotter } = this.#deps;
    const name = snapshotter === "" ? defaultSnapshotter : snapshotter;
    return await snapshotters.get(name)?.mounts(ctx, snapshotKey) ?? [];
  }
}

function isWanted({ labels }: Container): boolean {
  return labels[RESTART_LABEL.status] === "running";
}

/** Undefined if the container has no task. */
async function stateOf(
  ctx: Context,
  tasks: TaskService,
  id: string,
): Promise<ShimProcessState | undefined> {
  return await unlessMissing(tasks.get(ctx, { id, execId: "" }));
}

async function endTask(
  ctx: Context,
  tasks: TaskService,
  { id, status }: ShimProcessState,
): Promise<void> {
  const task = { id, execId: "" };
  if (status !== "stopped") {
    const kill = { ...task, signal: SIGNALS.SIGKILL, scope: "all" } as const;
    try {
      await Promise.all([tasks.wait(ctx, task), tasks.kill(ctx, kill)]);
    } catch (error) {
      // It may have ended meanwhile; if not, deleting it tells.
      ctx.log.debug("Cannot kill a task", { error });
    }
  }
  await unlessMissing(tasks.delete(ctx, task));
}

/** Output goes to the log or nowhere; who attaches finds the input. */
function streamsOf({ labels, spec }: Container): StdioAddresses {
  const log = labels[RESTART_LABEL.logUri] ?? "";
  const terminal = log !== "" && hasTerminal(spec?.value);
  const stdin = labels[RESTART_LABEL.stdin] ?? "";
  return { stdin, stdout: log, stderr: terminal ? "" : log, terminal };
}

function hasTerminal(spec: Uint8Array | undefined): boolean {
  if (spec === undefined) return false;
  const { process } = JSON.parse(new TextDecoder().decode(spec));
  return process?.terminal === true;
}
