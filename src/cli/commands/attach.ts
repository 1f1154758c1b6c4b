/** `coracle attach` */

import type { Context } from "../../base/context.ts";
import { failedPrecondition, hasCode } from "../../base/errors.ts";
import type { Container } from "../../core/container.ts";
import {
  type ContainerSettings,
  settingsOf,
} from "../../core/container_settings.ts";
import type { ExitStatus } from "../../core/task.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { containerStatus, isAlive } from "../../engine/inspect_state.ts";
import type { LifeDeps } from "../../engine/life_deps.ts";
import { runningTask } from "../../engine/running_task.ts";
import { waitForContainer } from "../../engine/wait.ts";
import { parseSpec } from "../../oci/spec/serialize.ts";
import { attachTask } from "../attach_task.ts";
import { ExitError, type Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";

/** `coracle attach [--no-stdin] CONTAINER`; the container's exit code */
export async function run(inv: Invocation): Promise<number> {
  const { ctx, flags } = inv;
  const deps = await lifeDeps(inv);
  const { services } = deps;
  const container = await findContainer(ctx, services, inv.args[0] ?? "");
  const found = await runningTask(ctx, services, container, "attach to");
  const { task, status } = found;
  if (status.state === "paused") {
    throw failedPrecondition(
      "You cannot attach to a paused container, unpause it first",
    );
  }
  const { stdin, stdio } = settingsOf(container) ?? othersSettings(container);
  const takesInput = stdin === "open" && !flags.boolean("no-stdin");
  const detachKeys = flags.string("detach-keys");
  using _signals = inv.takeSignals();
  const attached = attachTask(inv, task, {
    stdin: takesInput ? "open" : "closed",
    stdio,
    signals: flags.boolean("sig-proxy") ? "pass" : "keep",
    ...detachKeys === undefined ? {} : { detachKeys },
  });
  const end = await attached.catch(
    (error: unknown) => endedMeanwhile(ctx, deps, container, error),
  );
  if (end === "detached") throw new ExitError(1, "read escape sequence");
  return end.exitCode;
}

/** What another program has made says less: who has no input takes none. */
function othersSettings(
  { spec }: Container,
): Pick<ContainerSettings, "stdin" | "stdio"> {
  const { process } = spec === undefined
    ? {}
    : parseSpec(new TextDecoder().decode(spec.value));
  const stdio = process?.terminal === true ? "terminal" : "streams";
  return { stdin: "open", stdio };
}

/** Its shim goes with it: who asks just then finds nobody who would tell. */
async function endedMeanwhile(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  error: unknown,
): Promise<Pick<ExitStatus, "exitCode">> {
  if (!hasCode(error, "unavailable")) throw error;
  const status = await containerStatus(ctx, deps.services, container)
    // What was there to be asked has gone, too.
    .catch(() => undefined);
  if (status === undefined || isAlive(status)) throw error;
  return { exitCode: await waitForContainer(ctx, deps, container) };
}
