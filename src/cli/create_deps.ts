/** From an invocation to what the use cases on containers need. */

import { containersPath, volumesPath } from "../app/paths.ts";
import type { Context } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import { parseReference } from "../base/reference.ts";
import type { CreateDeps, LifeDeps } from "../engine/life_deps.ts";
import type { RunOptions } from "../engine/run_options.ts";
import type { Invocation, StoreOptions } from "./command.ts";
import { parseRunOptions } from "./run_flags.ts";

export async function lifeDeps(
  inv: Invocation,
  options: StoreOptions = {},
): Promise<LifeDeps> {
  const { services, paths } = await inv.store(options);
  return {
    services,
    now: inv.now,
    volumesPath: volumesPath(paths),
    containersPath: containersPath(paths),
  };
}

/** What killed processes left is for later: a start has no time for it. */
export async function createDeps(inv: Invocation): Promise<CreateDeps> {
  return {
    ...await lifeDeps(inv, { leftovers: "later" }),
    pull: (ctx, reference, platform) => pull(inv, ctx, reference, platform),
    newId,
  };
}

/** What the command line of `run` or `create` asks for. */
export function createOptions(inv: Invocation): RunOptions {
  return parseRunOptions(inv.flags, inv.args, {
    env: inv.env,
    cwd: Deno.cwd(),
    readText: readEnvFile,
  });
}

/** As `coracle pull`, but standard output belongs to the container. */
async function pull(
  inv: Invocation,
  ctx: Context,
  reference: string,
  platform: string | undefined,
): Promise<void> {
  const { pullImage } = await import("../engine/pull.ts");
  const { progressStyle, progressView } = await import("./progress.ts");
  const { wantedPlatform } = await import("../engine/images_platform.ts");
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

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

export function readEnvFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new EngineError(
      "notFound",
      `open ${path}: no such file or directory`,
      { cause },
    );
  }
}
