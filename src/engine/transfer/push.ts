/** Image store to registry. */

import type { Context } from "../../base/context.ts";
import { parseReference } from "../../base/reference.ts";
import type { Services } from "../../core/services.ts";
import type { ImageStoreEnd, RegistryEnd } from "../../core/transfer.ts";
import { isIndex, isManifest } from "../../oci/media_types.ts";
import { pushImage } from "../push.ts";
import { chosenManifests } from "./platforms.ts";
import type { ProgressTracker } from "./progress.ts";
import { walkTree } from "./tree.ts";

/** @param services with the resolver that the client wants */
export async function transferPush(
  ctx: Context,
  services: Services,
  store: ImageStoreEnd,
  { reference: text }: RegistryEnd,
  progress: ProgressTracker,
): Promise<void> {
  const reference = parseReference(text);
  const image = await services.images.get(ctx, store.name);
  const { name, target } = image;
  progress.say(`Pushing to OCI Registry (${text})`);
  progress.sayImage("pushing content", name, target);
  const only = chosenManifests(store.platforms);
  const tree = walkTree(ctx, services.content, target, only);
  for await (const { parent, part } of tree) progress.add(parent, [part]);
  await pushImage(ctx, services, image, reference, {
    onProgress: progress.update,
    only: (manifests) =>
      only(manifests).filter(({ mediaType }) =>
        isIndex(mediaType) || isManifest(mediaType)
      ),
  });
  progress.sayImage("pushed content", name, target);
  progress.say(`Completed push to OCI Registry (${text})`);
}
