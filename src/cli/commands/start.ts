/** `coracle start` */

import { invalidArgument } from "../../base/errors.ts";
import type { Container } from "../../core/container.ts";
import { settingsOf } from "../../core/container_settings.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { containerStatus, isAlive } from "../../engine/inspect_state.ts";
import type { LifeDeps } from "../../engine/life_deps.ts";
import { needsShim } from "../../engine/run.ts";
import { startContainer, startForeground } from "../../engine/start.ts";
import type { AttachEnd } from "../attach_task.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { forEachArgument } from "../each.ts";

/** `coracle start [-a] [-i] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  const { flags, args } = inv;
  if (flags.boolean("attach") || flags.boolean("interactive")) {
    const [name = "", ...others] = args;
    if (others.length > 0) {
      throw invalidArgument(
        "you cannot start and attach multiple containers at once",
      );
    }
    return await startAttached(inv, deps, name);
  }
  return await forEachArgument(inv, async (name) => {
    const container = await findContainer(inv.ctx, deps.services, name);
    const status = await containerStatus(inv.ctx, deps.services, container);
    if (!isAlive(status)) await startContainer(inv.ctx, deps, container);
    inv.stdout.line(name);
  });
}

async function startAttached(
  inv: Invocation,
  deps: LifeDeps,
  name: string,
): Promise<number> {
  const { ctx } = inv;
  const container = await findContainer(ctx, deps.services, name);
  const status = await containerStatus(ctx, deps.services, container);
  const settings = settingsOf(container);
  const stdin = inv.flags.boolean("interactive") && settings?.stdin === "open"
    ? "open"
    : "closed";
  using _signals = inv.takeSignals();
  if (isAlive(status)) {
    return await attachRunning(inv, deps, container, stdin);
  }
  const { attachWish } = await import("../attach_flags.ts");
  const wish = attachWish(inv.flags);
  const inOurHands = settings === undefined ||
    (wish === undefined && !needsShim(settings));
  if (inOurHands) {
    return (await startForeground(ctx, deps, container, stdin)).exitCode;
  }
  const { attachTask } = await import("../attach_task.ts");
  const task = await startContainer(ctx, deps, container, { output: "held" });
  const { stdio } = settings;
  return codeOf(await attachTask(inv, task, { stdin, stdio, ...wish }));
}

/** As docker's: to detach is no failure. */
function codeOf(end: AttachEnd): number {
  return end === "detached" ? 0 : end.exitCode;
}

async function attachRunning(
  inv: Invocation,
  deps: LifeDeps,
  container: Container,
  stdin: "open" | "closed",
): Promise<number> {
  const { runningTask } = await import("../../engine/running_task.ts");
  const { attachTask } = await import("../attach_task.ts");
  const { task } = await runningTask(
    inv.ctx,
    deps.services,
    container,
    "attach to",
  );
  const stdio = settingsOf(container)?.stdio ?? "streams";
  const { attachWish } = await import("../attach_flags.ts");
  const wish = attachWish(inv.flags);
  return codeOf(await attachTask(inv, task, { stdin, stdio, ...wish }));
}
