/** What a client wants unpacked, as far as it can be here. */

import type { Context } from "../../base/context.ts";
import {
  formatPlatform,
  hostPlatform,
  type Platform,
  platformMatcher,
} from "../../base/platform.ts";
import type { Services } from "../../core/services.ts";
import type { UnpackTarget } from "../../core/transfer.ts";
import {
  type Descriptor,
  parseImageConfig,
  parseManifest,
} from "../../oci/image_spec.ts";
import { isConfig } from "../../oci/media_types.ts";
import { readBlob } from "../../core/verified.ts";
import { requiredLayer } from "../fetch_layer.ts";
import { localContent, unpackContent } from "../unpack.ts";
import type { ProgressTracker } from "./progress.ts";

/**
 * Tells which snapshotters an image of a platform is unpacked into. What can't
 * be, for a platform that does not run here or a snapshotter that is not
 * here, is left out with a warning, as containerd does.
 */
export function unpackTargets(
  ctx: Context,
  services: Services,
  unpacks: readonly UnpackTarget[],
): (platform: Platform) => readonly string[] {
  const host = platformMatcher(hostPlatform(Deno.build));
  const supported = unpacks.flatMap(({ platform, snapshotter }) => {
    const name = snapshotter || services.defaultSnapshotter;
    if (
      host.rank(platform) !== undefined && services.snapshotters.has(name)
    ) return [{ name, matcher: platformMatcher(platform) }];
    ctx.log.warn("Cannot unpack what was asked for, and leave it", {
      platform: formatPlatform(platform),
      snapshotter: name,
    });
    return [];
  });
  return (platform) => {
    const names = supported
      .filter(({ matcher }) => matcher.rank(platform) !== undefined)
      .map(({ name }) => name);
    return [...new Set(names)];
  };
}

/** Unpacks a manifest whose parts are all in the store. */
export async function unpackStored(
  ctx: Context,
  services: Services,
  target: Descriptor,
  into: ReturnType<typeof unpackTargets>,
  progress: ProgressTracker,
): Promise<void> {
  const { content } = services;
  const manifest = parseManifest(await readBlob(ctx, content, target));
  if (!isConfig(manifest.config.mediaType)) return;
  const config = parseImageConfig(
    await readBlob(ctx, content, manifest.config),
  );
  for (const snapshotter of into(config)) {
    await unpackContent(ctx, services, { manifest, config }, {
      snapshotter,
      onProgress: progress.update,
      open: (ctx, layer) => requiredLayer(ctx, localContent(services), layer),
      contentLabels: {},
    });
  }
}
