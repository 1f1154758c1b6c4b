/**
 * A shim of ours that sleeps: what can be seen without it is looked at, and for
 * all else it is woken. Listing tasks must not wake all shims there are.
 */

import type { ShimService } from "../../core/shim.ts";
import type { ShimConnection } from "./wire.ts";

/**
 * Disposing closes the connection, if there has come to be one.
 * @param seen from outside
 */
export function sleepingShim(
  seen: Pick<ShimService, "state" | "pids" | "connect">,
  wake: () => Promise<ShimConnection>,
): ShimService & AsyncDisposable {
  let woken: Promise<ShimConnection> | undefined;
  const awake = () => woken ??= wake();
  return {
    // One that sleeps has no processes beside its container's first.
    state: (ctx, process) => seen.state(ctx, process),
    pids: (ctx, id) => seen.pids(ctx, id),
    connect: (ctx, id) => seen.connect(ctx, id),
    create: async (...call) => (await awake()).create(...call),
    start: async (...call) => (await awake()).start(...call),
    delete: async (...call) => (await awake()).delete(...call),
    exec: async (...call) => (await awake()).exec(...call),
    resizePty: async (...call) => (await awake()).resizePty(...call),
    closeStdin: async (...call) => (await awake()).closeStdin(...call),
    stats: async (...call) => (await awake()).stats(...call),
    pause: async (...call) => (await awake()).pause(...call),
    resume: async (...call) => (await awake()).resume(...call),
    checkpoint: async (...call) => (await awake()).checkpoint(...call),
    kill: async (...call) => (await awake()).kill(...call),
    update: async (...call) => (await awake()).update(...call),
    wait: async (...call) => (await awake()).wait(...call),
    shutdown: async (...call) => (await awake()).shutdown(...call),
    async [Symbol.asyncDispose]() {
      const connection = await woken?.catch(() => undefined);
      await connection?.[Symbol.asyncDispose]();
    },
  };
}
