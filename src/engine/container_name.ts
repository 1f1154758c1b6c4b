/** The name that a user gives a container: no other one has it. */

import type { Context } from "../base/context.ts";
import { EngineError, hasCode } from "../base/errors.ts";
import { checkIdentifier } from "../base/identifier.ts";
import type { Services } from "../core/services.ts";

/** @throws {EngineError} `invalidArgument`; `alreadyExists` */
export async function checkName(
  ctx: Context,
  services: Services,
  name: string,
): Promise<void> {
  checkIdentifier("container", name, "name");
  const taken = await services.containers.named(ctx, name);
  if (taken !== undefined) throw nameTaken(name, taken.id);
}

/**
 * Runs what gives a container its name. Somebody may just have taken that.
 * @throws {EngineError} `alreadyExists`
 */
export async function withName<T>(
  ctx: Context,
  { containers }: Pick<Services, "containers">,
  name: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, "alreadyExists") || name === undefined) throw error;
    const taken = await containers.named(ctx, name);
    // It may be gone already: then the store's words must do.
    throw taken === undefined ? error : nameTaken(name, taken.id);
  }
}

/** In docker's words. */
function nameTaken(name: string, id: string): EngineError {
  return new EngineError(
    "alreadyExists",
    `Conflict. The container name "/${name}" is already in use by ` +
      `container "${id}"`,
    { hint: `Remove that one (coracle rm ${name}), or use another name` },
  );
}
