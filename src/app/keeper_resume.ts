/** Our own shim, when it takes over from the stand-in that it was. */

import type { KeepRequest } from "../core/keeper.ts";
import { RuntimeControl } from "../runtime/control.ts";
import { forgetRun, programName } from "../shim/keeper/forget_run.ts";
import type { KeptDeps } from "../shim/keeper/kept_container.ts";
import { closeFd, closeOnExec } from "../sys/descriptors.ts";
import { sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";
import { openKeeper, serve, untilIdle } from "./keeper.ts";
import { napWhenIdle, nextNap } from "./keeper_nap.ts";
import type { ResumeOrder } from "./keeper_messages.ts";
import { listenUnix } from "./unix_socket.ts";

/**
 * @param orderFd descriptor of the order, a `ResumeOrder`
 * @returns the exit code
 */
export async function resumeKeeping(orderFd: number): Promise<number> {
  takeName();
  const order: ResumeOrder = JSON.parse(
    await Deno.readTextFile(`/proc/self/fd/${orderFd}`),
  );
  const { request, address, fds } = order;
  closeFd(orderFd);
  for (const fd of order.spent) closeFd(fd);
  for (const fd of Object.values(fds)) closeOnExec(fd);
  const shim = openKeeper(address, {
    inotify: fds.inotify,
    failure: "reported",
  });
  const { deps, keeper, idle } = shim;
  try {
    const { stdout, stderr } = fds;
    const pipes = {
      ...stdout === undefined ? {} : { stdout },
      ...stderr === undefined ? {} : { stderr },
    };
    keeper.resume({ ...order, pipes });
  } catch {
    // The bundle has gone, or its maker before anything was started.
    await abandon(deps, request);
    return 1;
  }
  // The keeper holds it, too.
  closeFd(fds.lock);
  const listener = listenUnix(address);
  const server = await serve(deps, keeper, listener);
  // Whoever wakes it finds it from now on.
  closeFd(fds.wake);
  napWhenIdle(shim, server, nextNap(order.nap, Date.now()));
  await untilIdle(server, idle);
  return 0;
}

/** As what a descriptor led to, the kernel calls us by its number. */
function takeName(): void {
  try {
    Deno.writeTextFileSync("/proc/self/comm", "coracle", { create: false });
  } catch {
    // Only people read it.
  }
}

/** Without a bundle nobody finds what was started any more. */
async function abandon(deps: KeptDeps, request: KeepRequest): Promise<void> {
  const children = await Deno.readTextFile(
    `/proc/self/task/${Deno.pid}/children`,
  );
  const pids = children.split(" ").filter(Boolean).map(Number);
  for (const pid of pids) sendSignal(pid, SIGNALS.SIGKILL);
  await Promise.all(pids.map((pid) => deps.reaper.wait(pid)));
  const { runtime, runtimeRoot } = request;
  const control = new RuntimeControl({
    runtime: { name: programName(runtime), path: runtime },
    root: runtimeRoot,
    scratch: runtimeRoot,
    env: deps.env,
    wait: (pid) => deps.reaper.wait(pid),
  });
  await forgetRun(control, request);
  const { removeRest } = await import("../shim/keeper/lost_bundle.ts");
  removeRest(request.bundle);
}
