/** The shim of a sandbox, over its ttrpc socket. */

import { SandboxDefinition } from "../../../proto/gen/containerd/runtime/sandbox/v1/sandbox.ts";
import type { SandboxShim } from "../../core/sandbox.ts";
import type { TtrpcClient } from "../../rpc/ttrpc/client.ts";
import {
  fromMetrics,
  fromStarted,
  fromStatus,
  fromWaited,
  toCreateSandbox,
} from "../convert/sandbox_shim.ts";
import { fromWirePlatform } from "../convert/transfer.ts";
import { callOptions } from "./call_options.ts";

export function remoteSandboxShim(client: TtrpcClient): SandboxShim {
  const shim = client.stub(SandboxDefinition);
  const call = callOptions;
  return {
    async create(ctx, creation) {
      await shim.createSandbox(toCreateSandbox(creation), call(ctx));
    },
    start: async (ctx, sandboxId) =>
      fromStarted(await shim.startSandbox({ sandboxId }, call(ctx))),
    async platform(ctx, sandboxId) {
      const { platform } = await shim.platform({ sandboxId }, call(ctx));
      return fromWirePlatform(platform);
    },
    async stop(ctx, sandboxId, timeoutMs) {
      const timeoutSecs = Math.ceil(timeoutMs / 1000);
      await shim.stopSandbox({ sandboxId, timeoutSecs }, call(ctx));
    },
    wait: async (ctx, sandboxId) =>
      fromWaited(await shim.waitSandbox({ sandboxId }, call(ctx))),
    async status(ctx, sandboxId, detail) {
      const verbose = detail === "verbose";
      const request = { sandboxId, verbose };
      return fromStatus(await shim.sandboxStatus(request, call(ctx)));
    },
    async shutdown(ctx, sandboxId) {
      await shim.shutdownSandbox({ sandboxId }, call(ctx));
    },
    metrics: async (ctx, sandboxId) =>
      fromMetrics(
        sandboxId,
        await shim.sandboxMetrics({ sandboxId }, call(ctx)),
      ),
  };
}
