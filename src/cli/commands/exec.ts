/** `coracle exec` */

import { invalidArgument } from "../../base/errors.ts";
import { execInContainer, type ExecOptions } from "../../engine/exec.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { parseEnv, parseEnvFile } from "../../engine/options/environment.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps, newId, readOptionFile } from "../life_deps.ts";

/** `coracle exec [-i] [-t] [-d] … CONTAINER COMMAND [ARG...]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = "", ...args] = inv.args;
  const options = execOptions(inv, args);
  if (inv.flags.declares("detach-keys")) await noteDetachKeys(inv);
  const { services } = await lifeDeps(inv, { leftovers: "later" });
  const container = await findContainer(inv.ctx, services, name);
  using _signals = inv.takeSignals();
  const deps = { services, newId, now: inv.now };
  const exit = await execInContainer(inv.ctx, deps, container, options);
  return exit?.exitCode ?? 0;
}

/** @throws {EngineError} `invalidArgument` */
async function noteDetachKeys({ flags, ctx }: Invocation): Promise<void> {
  const keys = flags.string("detach-keys");
  if (keys === undefined) return;
  const { parseDetachKeys } = await import("../detach_keys.ts");
  const isTyped = flags.boolean("tty") && flags.boolean("interactive");
  if (parseDetachKeys(keys).length === 0 || !isTyped) return;
  ctx.log.warn(`Ignoring --detach-keys "${keys}": the command has all keys`);
}

function execOptions(
  { flags, stdin, env }: Invocation,
  args: readonly string[],
): ExecOptions {
  const kind = flags.boolean("tty") ? "terminal" : "streams";
  const isOpen = flags.boolean("interactive");
  if (kind === "terminal" && isOpen && !stdin.isTerminal) {
    throw invalidArgument("the input device is not a TTY", {
      hint: "Leave out -t, or run it from a terminal",
    });
  }
  const user = flags.string("user");
  const workdir = flags.string("workdir");
  const files = flags.list("env-file")
    .flatMap((path) => parseEnvFile(path, readOptionFile(path), env));
  return {
    args,
    env: [...files, ...flags.list("env").map((text) => parseEnv(text, env))],
    confinement: flags.boolean("privileged") ? "privileged" : "confined",
    stdio: flags.boolean("detach")
      ? { to: "none" }
      : { to: "ours", kind, stdin: isOpen ? "inherit" : "null" },
    ...user === undefined ? {} : { user },
    ...workdir === undefined || workdir === "" ? {} : { workdir },
  };
}
