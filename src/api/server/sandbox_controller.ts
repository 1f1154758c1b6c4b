/** The life of sandboxes. */

import { ControllerDefinition } from "../../../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { SandboxControl } from "../../engine/sandbox_control.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromSandbox } from "../convert/sandbox.ts";
import {
  fromCreation,
  toMetrics,
  toStarted,
  toStatus,
} from "../convert/sandbox_shim.ts";
import { toWirePlatform } from "../convert/transfer.ts";
import type { ApiContext } from "./api_context.ts";

export interface SandboxControllerDeps {
  readonly control: SandboxControl;
  readonly context: ApiContext;
}

export function sandboxControllerService(
  { control, context }: SandboxControllerDeps,
): GrpcService {
  return grpcService(ControllerDefinition, {
    async create(call, request) {
      const { sandboxId, sandbox, sandboxer } = request;
      const wanted = sandbox === undefined
        ? { id: sandboxId }
        : fromSandbox(sandbox);
      const creation = fromCreation(request, wanted);
      await control.create(context(call), sandboxer, creation);
      return { sandboxId };
    },
    async start(call, { sandboxId, sandboxer }) {
      const ctx = context(call);
      const started = await control.start(ctx, sandboxer, sandboxId);
      return toStarted(sandboxId, started);
    },
    async platform(call, { sandboxId, sandboxer }) {
      const controller = control.controller(sandboxer);
      const platform = await controller.platform(context(call), sandboxId);
      return { platform: toWirePlatform(platform) };
    },
    async stop(call, { sandboxId, sandboxer, timeoutSecs }) {
      const controller = control.controller(sandboxer);
      await controller.stop(context(call), sandboxId, timeoutSecs * 1000);
      return {};
    },
    async wait(call, { sandboxId, sandboxer }) {
      const ctx = context(call);
      const exit = await control.wait(ctx, sandboxer, sandboxId);
      return { exitStatus: exit.exitCode, exitedAt: exit.exitedAt };
    },
    async status(call, { sandboxId, sandboxer, verbose }) {
      const controller = control.controller(sandboxer);
      const detail = verbose ? "verbose" : "brief";
      const ctx = context(call);
      const status = await controller.status(ctx, sandboxId, detail);
      return toStatus(sandboxId, status);
    },
    async shutdown(call, { sandboxId, sandboxer }) {
      const controller = control.controller(sandboxer);
      await controller.shutdown(context(call), sandboxId);
      return {};
    },
    async metrics(call, { sandboxId, sandboxer }) {
      const controller = control.controller(sandboxer);
      return toMetrics(await controller.metrics(context(call), sandboxId));
    },
    async update(call, { sandboxId, sandboxer, sandbox, fields }) {
      const controller = control.controller(sandboxer);
      if (sandbox === undefined) {
        throw invalidArgument("sandbox can not be nil");
      }
      const wanted = { ...fromSandbox(sandbox), id: sandboxId };
      await controller.update(context(call), wanted, fields);
      return {};
    },
  });
}
