/** `coracle run` */

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { openRunDeps } from "../../app/run_deps.ts";
import { TaskStartError } from "../../core/task.ts";
import { runContainer } from "../../engine/run.ts";
import { ExitError, type Invocation } from "../command.ts";
import { parseRunOptions } from "../run_flags.ts";

/** Runs a new container in the foreground; its exit code is ours. */
export async function run(inv: Invocation): Promise<number> {
  const options = parseRunOptions(inv.flags, inv.args, {
    env: inv.env,
    cwd: Deno.cwd(),
    readText: readEnvFile,
  });
  if (
    options.stdin === "open" && options.stdio === "terminal" &&
    !inv.stdin.isTerminal
  ) {
    throw invalidArgument("the input device is not a TTY", {
      hint: "Leave out -t, or run it from a terminal",
    });
  }
  const cidFile = reserveCidFile(inv.flags.string("cidfile"));
  const deps = await openRunDeps(await inv.store(), {
    env: inv.env,
    now: inv.now,
    ...inv.global.runtime === undefined ? {} : { runtime: inv.global.runtime },
    quiet: inv.flags.boolean("quiet"),
  });
  using _signals = inv.takeSignals();
  try {
    const { exitCode } = await runContainer(inv.ctx, deps, options, {
      created: (id) => cidFile?.write(id),
      starting: () => deps.reconcile(inv.ctx),
    });
    return exitCode;
  } catch (error) {
    if (!(error instanceof TaskStartError)) throw error;
    throw new ExitError(error.exitCode, error.message, { cause: error });
  } finally {
    cidFile?.close();
  }
}

function readEnvFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new EngineError("notFound", `open ${path}: no such file or directory`, {
      cause,
    });
  }
}

interface CidFile {
  write(id: string): void;
  /** Removes the file again if no id was written. */
  close(): void;
}

/** Takes the file at once, so that no other container gets it meanwhile. */
function reserveCidFile(path: string | undefined): CidFile | undefined {
  if (path === undefined) return undefined;
  try {
    Deno.writeTextFileSync(path, "", { createNew: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw invalidArgument(
      "container ID file found, make sure the other container isn't running " +
        `or delete ${path}`,
      { cause },
    );
  }
  let isWritten = false;
  return {
    write(id) {
      Deno.writeTextFileSync(path, id);
      isWritten = true;
    },
    close() {
      if (!isWritten) Deno.removeSync(path);
    },
  };
}
