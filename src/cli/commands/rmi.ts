import { hasCode } from "../../base/errors.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import { removeImage, type RemoveOptions } from "../../engine/remove.ts";
import type { Invocation } from "../command.ts";
import { showRemoved } from "../removed.ts";
import { forEachArgument } from "../each.ts";

/** `coracle rmi IMAGE...`; the others are removed also if one can't be. */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const force = inv.flags.boolean("force");
  const platforms = inv.flags.list("platform")
    .flatMap((text) => text.split(","));
  const options: RemoveOptions = {
    conflicts: force ? "force" : "refuse",
    collect: inv.flags.boolean("no-prune") ? "later" : "now",
    wanted: anyPlatform(),
  };
  return await forEachArgument(inv, async (name) => {
    const removed = platforms.length === 0
      ? await removeImage(inv.ctx, services, name, options)
      : await removeOf(platforms, name);
    showRemoved(inv.stdout, removed);
  }, {
    // What is gone already is what --force wants.
    tolerate: (error) => force && hasCode(error, "notFound"),
  });

  async function removeOf(platforms: readonly string[], name: string) {
    const { removePlatforms } = await import("../../engine/remove_platform.ts");
    return await removePlatforms(inv.ctx, services, name, platforms, options);
  }
}
