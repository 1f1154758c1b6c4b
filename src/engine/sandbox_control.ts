/** Sandboxes by their controllers, with the events that clients follow. */

import type { Context } from "../base/context.ts";
import { EngineError, invalidArgument } from "../base/errors.ts";
import type {
  SandboxController,
  SandboxCreation,
  SandboxExit,
} from "../core/sandbox.ts";
import type { Services } from "../core/services.ts";

export interface SandboxControl {
  /** @throws {EngineError} `notFound`; `invalidArgument` for no name */
  controller(sandboxer: string): SandboxController;
  /** A sandbox of which nothing but the id is given is the stored one. */
  create(
    ctx: Context,
    sandboxer: string,
    creation: SandboxCreation,
  ): Promise<void>;
  start(
    ctx: Context,
    sandboxer: string,
    id: string,
  ): ReturnType<SandboxController["start"]>;
  wait(ctx: Context, sandboxer: string, id: string): Promise<SandboxExit>;
}

export function createSandboxControl(
  { events, sandboxes }: Pick<Services, "events" | "sandboxes">,
  controllers: ReadonlyMap<string, SandboxController>,
): SandboxControl {
  const controller = (sandboxer: string) => {
    if (sandboxer === "") {
      throw invalidArgument("sandbox controller name can not be empty");
    }
    const found = controllers.get(sandboxer);
    if (found !== undefined) return found;
    throw new EngineError(
      "notFound",
      `failed to get sandbox controller by ${sandboxer}`,
    );
  };
  const tell = (ctx: Context, what: string, event: object) =>
    events.publish(ctx, `/sandboxes/${what}`, { ...event });
  return {
    controller,
    async create(ctx, sandboxer, creation) {
      const { id, runtime } = creation.sandbox;
      const chosen = controller(sandboxer);
      const sandbox = runtime === undefined
        ? await sandboxes.get(ctx, id)
        : creation.sandbox;
      await chosen.create(ctx, { ...creation, sandbox });
      await tell(ctx, "create", { sandboxId: id });
    },
    async start(ctx, sandboxer, id) {
      const started = await controller(sandboxer).start(ctx, id);
      await tell(ctx, "start", { sandboxId: id });
      return started;
    },
    async wait(ctx, sandboxer, id) {
      const exit = await controller(sandboxer).wait(ctx, id);
      const { exitCode, exitedAt } = exit;
      await tell(ctx, "exit", {
        sandboxId: id,
        exitStatus: exitCode,
        exitedAt: exitedAt?.toISOString() ?? "",
      });
      return exit;
    },
  };
}
