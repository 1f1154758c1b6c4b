/** `coracle exec` */

import { invalidArgument } from "../../base/errors.ts";
import type { Leaving } from "../../core/task.ts";
import { execInContainer, type ExecOptions } from "../../engine/exec.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { parseEnv, parseEnvFile } from "../../engine/options/environment.ts";
import { ExitError, type Invocation } from "../command.ts";
import { lifeDeps, newId, readOptionFile } from "../life_deps.ts";

/** `coracle exec [-i] [-t] [-d] … CONTAINER COMMAND [ARG...]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = "", ...args] = inv.args;
  const leaving = inv.flags.declares("detach-keys")
    ? await leavingOf(inv)
    : undefined;
  const options = execOptions(inv, args, leaving);
  const { services } = await lifeDeps(inv, { leftovers: "later" });
  const container = await findContainer(inv.ctx, services, name);
  using _signals = inv.takeSignals();
  const deps = { services, newId, now: inv.now };
  const exit = await execInContainer(inv.ctx, deps, container, options);
  if (exit === "detached") throw new ExitError(1, "read escape sequence");
  return exit?.exitCode ?? 0;
}

/**
 * Undefined if its user can't leave it: then its runtime has our terminal,
 * where we look for no keys.
 * @throws {EngineError} `invalidArgument`
 */
async function leavingOf({ flags }: Invocation): Promise<Leaving | undefined> {
  const text = flags.string("detach-keys");
  if (text === undefined) return undefined;
  const { DetachKeys, parseDetachKeys } = await import("../detach_keys.ts");
  const keys = parseDetachKeys(text);
  const isTyped = flags.boolean("tty") && flags.boolean("interactive");
  if (keys.length === 0 || !isTyped) return undefined;
  const { keepLeftStreams } = await import("../../app/left_streams.ts");
  const typed = new DetachKeys(keys);
  return { filter: (bytes) => typed.filter(bytes), keep: keepLeftStreams };
}

function execOptions(
  { flags, stdin, env }: Invocation,
  args: readonly string[],
  leaving: Leaving | undefined,
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
    stdio: flags.boolean("detach") ? { to: "none" } : {
      to: "ours",
      kind,
      stdin: isOpen ? "inherit" : "null",
      ...leaving === undefined ? {} : { leaving },
    },
    ...user === undefined ? {} : { user },
    ...workdir === undefined || workdir === "" ? {} : { workdir },
  };
}
