import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";

/**
 * runc finds all processes of a container by its control group. Where it has
 * none, as an ordinary user's, the first process is told: the others end with
 * it.
 * @throws {EngineError} `notFound` if it has ended
 */
export async function killProcess(
  ctx: Context,
  shim: ShimService,
  process: ProcessRef,
  { signal, scope }: {
    readonly signal: number;
    readonly scope: "init" | "all";
  },
): Promise<void> {
  if (scope === "all") {
    try {
      return await shim.kill(ctx, { ...process, signal, scope });
    } catch (error) {
      if (!hasCode(error, "unknown")) throw error;
    }
  }
  await shim.kill(ctx, { ...process, signal, scope: "process" });
}
