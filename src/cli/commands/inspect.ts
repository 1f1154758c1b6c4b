import { hasCode, notFound } from "../../base/errors.ts";
import { inspectImage } from "../../engine/inspect.ts";
import { inspectContainer } from "../../engine/inspect_container.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { inspectEach, inspectOptions } from "../inspect_each.ts";

/**
 * `coracle inspect NAME...`: a container of that name, or else an image, or
 * else a volume.
 */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  const { services } = deps;
  const wanted = anyPlatform();
  const inspectors = {
    container: (name: string) =>
      inspectContainer(inv.ctx, deps, name, inspectOptions(inv)),
    image: (name: string) => inspectImage(inv.ctx, services, name, wanted),
    volume: async (name: string) => {
      const { inspectVolume } = await import("../volume_deps.ts");
      return await inspectVolume(inv, name);
    },
  };
  const kind = inv.flags.string("type") as keyof typeof inspectors | undefined;
  const kinds = kind === undefined
    ? Object.values(inspectors)
    : [inspectors[kind]];
  return await inspectEach(inv, async (name) => {
    for (const inspect of kinds) {
      try {
        return await inspect(name);
      } catch (error) {
        // A container's name may be no image's, by its very form.
        if (!hasCode(error, "notFound", "invalidArgument")) throw error;
      }
    }
    throw notFound(kind ?? "container, image or volume", name);
  });
}
