/** What is done after a shim that was killed. */

import type { ExitStatus } from "../core/task.ts";
import { killRuntimesOf } from "../runtime/orphans.ts";
import { SIGNALS } from "../sys/signals.ts";
import { readExit, readInitPid, readOptions } from "./bundle_files.ts";
import { unmountRootfs } from "./rootfs.ts";
import { createRuntimeCalls, type RuntimeDeps } from "./runtime_calls.ts";

export interface CleanedUp {
  /** 0 if the container was never created. */
  readonly pid: number;
  /** If nobody has seen its end, that of a process that was killed. */
  readonly exit: ExitStatus;
  /** What could not be done; the rest was. */
  readonly failures: readonly unknown[];
}

/**
 * Ends what is left of a bundle's container and unmounts its root. Done again,
 * it finds nothing to do.
 */
export async function cleanUpBundle(
  deps: RuntimeDeps & { readonly now: () => Date },
  container: {
    readonly namespace: string;
    readonly id: string;
    readonly bundle: string;
  },
): Promise<CleanedUp> {
  const { bundle } = container;
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  // One that is still at work would make what is about to be deleted.
  await attempt(() => killRuntimesOf(bundle));
  await attempt(async () => {
    const options = readOptions(bundle);
    const runtime = createRuntimeCalls(deps, { ...container, options });
    await runtime.delete("force");
  });
  await attempt(() => unmountRootfs(bundle));
  const killed = {
    exitCode: 128 + SIGNALS.SIGKILL,
    exitedAt: deps.now(),
  };
  return {
    pid: readInitPid(bundle) ?? 0,
    exit: readExit(bundle) ?? killed,
    failures,
  };
}
