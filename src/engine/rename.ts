/** Gives a container another name. */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import { checkName, withName } from "./container_name.ts";
import { containerName } from "./inspect_find.ts";

/** @throws {EngineError} `alreadyExists` if another one has the name */
export async function renameContainer(
  ctx: Context,
  services: Services,
  container: Container,
  to: string,
): Promise<void> {
  const name = to.startsWith("/") ? to.slice(1) : to;
  if (name === "") throw invalidArgument("Cannot use an empty container name");
  if (containerName(container) === name) {
    throw invalidArgument(
      "Renaming a container with the same name as its current name",
    );
  }
  await checkName(ctx, services, name);
  const key = LABEL.containerName;
  // Our store refuses a name that somebody has taken since; containerd's
  // can't: to it that is a label as any other.
  await withName(ctx, services, name, () =>
    services.containers.update(ctx, {
      id: container.id,
      runtime: { name: "" },
      labels: { [key]: name },
    }, [`labels.${key}`]));
}
