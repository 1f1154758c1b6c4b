/** A container's root file system as a tar. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { readOnlyMounts } from "../core/overlay_mounts.ts";
import type { Services } from "../core/services.ts";
import { containerRoot } from "./container_root.ts";
import { explained } from "./while_there.ts";

/** Of its layers only: volumes and what else is mounted in it are left out. */
export async function* exportContainer(
  ctx: Context,
  services: Services,
  container: Container,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* exported(ctx, services, container);
  } catch (error) {
    throw await explained(ctx, services, container, error);
  }
}

async function* exported(
  ctx: Context,
  services: Services,
  container: Container,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using stack = new DisposableStack();
  const root = await containerRoot(ctx, services, container);
  const path = root.kind === "directory" ? root.path : stack.use(
    await services.mounter.open(ctx, readOnlyMounts(root.mounts)),
  ).path;
  const tree = stack.use(await services.fileTrees.open(path));
  yield* tree.read(ctx, "/", { as: "contents" });
}
