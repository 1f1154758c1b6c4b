/** A controller of sandboxes in another process. */

import { ControllerDefinition } from "../../../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { SandboxController, SandboxExit } from "../../core/sandbox.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { toNewSandbox } from "../convert/sandbox.ts";
import {
  fromMetrics,
  fromStarted,
  fromStatus,
  fromWaited,
  toCreation,
} from "../convert/sandbox_shim.ts";
import { fromWirePlatform } from "../convert/transfer.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** Pauses before a controller that went away is asked again, milliseconds. */
const FIRST_PAUSE_MS = 128;
const LONGEST_PAUSE_MS = 4096;

/** @param sandboxer what the controller is called over there */
export function remoteSandboxController(
  client: GrpcClient,
  sandboxer: string,
): SandboxController {
  const controller = client.stub(ControllerDefinition);
  const waitOnce = async (ctx: Context, sandboxId: string) =>
    fromWaited(await controller.wait({ sandboxId, sandboxer }, call(ctx)));
  return {
    async create(ctx, creation) {
      await controller.create(toCreation(creation, sandboxer), call(ctx));
    },
    async start(ctx, sandboxId) {
      const request = { sandboxId, sandboxer };
      const started = await controller.start(request, call(ctx));
      const { address, version, labels } = started;
      return { ...fromStarted(started), address, version, labels };
    },
    async platform(ctx, sandboxId) {
      const request = { sandboxId, sandboxer };
      const { platform } = await controller.platform(request, call(ctx));
      return fromWirePlatform(platform);
    },
    async stop(ctx, sandboxId, timeoutMs) {
      const timeoutSecs = Math.ceil(timeoutMs / 1000);
      const request = { sandboxId, sandboxer, timeoutSecs };
      await controller.stop(request, call(ctx));
    },
    wait: (ctx, sandboxId) => waitLong(ctx, () => waitOnce(ctx, sandboxId)),
    async status(ctx, sandboxId, detail) {
      const verbose = detail === "verbose";
      const request = { sandboxId, sandboxer, verbose };
      const status = await controller.status(request, call(ctx));
      const { address, version } = status;
      return { ...fromStatus(status), address, version };
    },
    async shutdown(ctx, sandboxId) {
      await controller.shutdown({ sandboxId, sandboxer }, call(ctx));
    },
    async metrics(ctx, sandboxId) {
      const request = { sandboxId, sandboxer };
      return fromMetrics(
        sandboxId,
        await controller.metrics(request, call(ctx)),
      );
    },
    async update(ctx, sandbox, fieldPaths) {
      await controller.update({
        ...{ sandboxId: sandbox.id, sandboxer, fields: [...fieldPaths] },
        sandbox: toNewSandbox(sandbox),
      }, call(ctx));
    },
  };
}

/** The program may be started again while its sandbox goes on. */
async function waitLong(
  ctx: Context,
  wait: () => Promise<SandboxExit>,
): Promise<SandboxExit> {
  for (let pauseMs = FIRST_PAUSE_MS;;) {
    try {
      return await wait();
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
    }
    await sleep(pauseMs, ctx.signal);
    ctx.signal.throwIfAborted();
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}
