/** `coracle run` */

import { invalidArgument } from "../../base/errors.ts";
import type { ExitStatus, Task } from "../../core/task.ts";
import type { CreateDeps, LifeDeps } from "../../engine/life_deps.ts";
import { runContainer } from "../../engine/run.ts";
import type { RunOptions } from "../../engine/run_options.ts";
import type { AttachStyle } from "../attach_task.ts";
import { type CidFile, reserveCidFile } from "../cid_file.ts";
import type { Invocation } from "../command.ts";
import {
  createDeps,
  createOptions,
  settledOptions,
  startDeps,
} from "../create_deps.ts";

/** Runs a new container; in the foreground its exit code is ours. */
export async function run(inv: Invocation): Promise<number> {
  const asked = await createOptions(inv);
  const wish = await rareWish(inv);
  const isDetached = inv.flags.boolean("detach");
  if (!isDetached) checkTerminal(inv, asked);
  const deps = isDetached ? await startDeps(inv, asked) : await createDeps(inv);
  const options = await settledOptions(inv, deps, asked);
  // Not before: until the store is open, an ordinary user's command may begin
  // again, and would find the file that it has made itself.
  using cidFile = reserveCidFile(inv.flags.string("cidfile"));
  if (isDetached) {
    await detached(inv, deps, options, cidFile);
    return 0;
  }
  using signals = new DisposableStack();
  const { exitCode } = await runContainer(inv.ctx, deps, options, {
    created: (id) => {
      cidFile?.write(id);
      // Until here they ended a pull; now they are the container's.
      signals.use(inv.takeSignals());
    },
    starting: () => tidyUp(inv, deps),
    attach: (task) => attach(inv, task, { ...options, ...wish }),
    ...wish === undefined ? {} : { keeping: "shim" },
  });
  return exitCode;
}

/**
 * The id is told as docker does: also of one that is there, or was, and whose
 * command could not be started.
 */
async function detached(
  inv: Invocation,
  deps: CreateDeps,
  options: RunOptions,
  cidFile: CidFile | undefined,
): Promise<void> {
  const { runDetached } = await import("../../engine/run_detached.ts");
  let made: string | undefined;
  try {
    await runDetached(inv.ctx, deps, options, {
      created: (id) => {
        made = id;
        cidFile?.write(id);
      },
    });
  } finally {
    if (made !== undefined) inv.stdout.line(made);
  }
}

/** @throws {EngineError} `invalidArgument` */
function checkTerminal(inv: Invocation, { stdin, stdio }: RunOptions): void {
  if (stdin === "open" && stdio === "terminal" && !inv.stdin.isTerminal) {
    throw invalidArgument("the input device is not a TTY", {
      hint: "Leave out -t, or run it from a terminal",
    });
  }
}

/** What only a shim can do for us. */
async function rareWish({ flags }: Invocation) {
  if (!flags.declares("sig-proxy")) return undefined;
  const { runWish } = await import("../attach_flags.ts");
  return runWish(flags);
}

/** One that a shim keeps has its streams there. */
async function attach(
  inv: Invocation,
  task: Task,
  style: AttachStyle,
): Promise<ExitStatus> {
  const { attachNew } = await import("../attach_task.ts");
  return await attachNew(inv, task, style);
}

/** The container runs: there is time for what others left behind. */
async function tidyUp(inv: Invocation, deps: LifeDeps): Promise<void> {
  try {
    const { reconcile } = await import("../../engine/reconcile.ts");
    await reconcile(inv.ctx, deps);
  } catch (error) {
    inv.ctx.log.warn("Cannot clean up after other containers", { error });
  }
}
