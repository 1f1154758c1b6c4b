/** `coracle run` */

import { volumesPath } from "../../app/paths.ts";
import type { Context } from "../../base/context.ts";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import { parseReference } from "../../base/reference.ts";
import { runContainer, type RunDeps } from "../../engine/run.ts";
import type { Invocation } from "../command.ts";
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
  using cidFile = reserveCidFile(inv.flags.string("cidfile"));
  const deps = await runDeps(inv);
  using signals = new DisposableStack();
  const { exitCode } = await runContainer(inv.ctx, deps, options, {
    created: (id) => {
      cidFile?.write(id);
      // Until here they ended a pull; now they are the container's.
      signals.use(inv.takeSignals());
    },
    starting: () => tidyUp(inv, deps),
  });
  return exitCode;
}

async function runDeps(inv: Invocation): Promise<RunDeps> {
  const { services, paths } = await inv.store({ leftovers: "later" });
  return {
    services,
    pull: (ctx, reference, platform) => pull(inv, ctx, reference, platform),
    newId,
    now: inv.now,
    volumesPath: volumesPath(paths),
  };
}

/** As `coracle pull`, but standard output belongs to the container. */
async function pull(
  inv: Invocation,
  ctx: Context,
  reference: string,
  platform: string | undefined,
): Promise<void> {
  const { pullImage } = await import("../../engine/pull.ts");
  const { progressStyle, progressView } = await import("../progress.ts");
  const { wantedPlatform } = await import("../../engine/images_platform.ts");
  const quiet = inv.flags.boolean("quiet");
  if (!quiet) inv.stderr.line(`Unable to find image "${reference}" locally`);
  using view = progressView({
    out: inv.stderr,
    style: progressStyle(inv.stderr, { quiet, env: inv.env }),
    now: inv.now,
  });
  await pullImage(ctx, await inv.services(), parseReference(reference), {
    platforms: wantedPlatform(platform),
    onProgress: view.onProgress,
  });
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** The container runs: there is time for what others left behind. */
async function tidyUp(inv: Invocation, deps: RunDeps): Promise<void> {
  try {
    const { reconcile } = await import("../../engine/reconcile.ts");
    await reconcile(inv.ctx, deps);
  } catch (error) {
    inv.ctx.log.warn("Cannot clean up after other containers", { error });
  }
}

function readEnvFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new EngineError(
      "notFound",
      `open ${path}: no such file or directory`,
      {
        cause,
      },
    );
  }
}

/** Disposing removes the file again if no id was written. */
interface CidFile extends Disposable {
  write(id: string): void;
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
    [Symbol.dispose]() {
      if (!isWritten) Deno.removeSync(path);
    },
  };
}
