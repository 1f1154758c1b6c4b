/** Registry to image store. */

import type { Context } from "../../base/context.ts";
import { notFound } from "../../base/errors.ts";
import { parseReference } from "../../base/reference.ts";
import { formatPlatform } from "../../base/platform.ts";
import type { ImageVerifier } from "../../core/image_verifier.ts";
import type { Services } from "../../core/services.ts";
import type { ImageStoreEnd, RegistryEnd } from "../../core/transfer.ts";
import { withLease } from "../images_lease.ts";
import { verifyImage } from "../verify_image.ts";
import { pullContent, type PullPlan } from "../pull_content.ts";
import { plainNames, putNames } from "./image_names.ts";
import { chosenManifests } from "./platforms.ts";
import type { ProgressTracker } from "./progress.ts";
import { unpackTargets } from "./unpack.ts";

/** @param services with the resolver that the client wants */
export async function transferPull(
  ctx: Context,
  services: Services,
  { reference: text }: RegistryEnd,
  store: ImageStoreEnd,
  verifiers: readonly ImageVerifier[],
  progress: ProgressTracker,
): Promise<void> {
  const from = `OCI Registry (${text})`;
  const reference = parseReference(text);
  await withLease(ctx, services.leases, async (leased) => {
    progress.say(`Resolving from ${from}`);
    const target = await services.resolver.resolve(leased, reference);
    const names = plainNames(store, target);
    if (names.length === 0) throw notFound("a name for image", text);
    await verifyImage(leased, verifiers, text, target);
    progress.say(`Pulling from ${from}`);
    progress.sayImage("fetching image content", text, target);
    progress.add(undefined, [target]);
    const fetcher = services.resolver.fetcher(reference);
    const source = { services, fetcher, reference };
    const plan = planOf(leased, services, store, progress);
    await pullContent(leased, source, plan, target);
    const { labels } = store;
    for (
      const image of await putNames(leased, services, names, { target, labels })
    ) progress.sayImage("saved", image.name, image.target);
    progress.say(`Completed pull from ${from}`);
  });
}

function planOf(
  ctx: Context,
  services: Services,
  { platforms, manifestLimit, metadata, unpacks }: ImageStoreEnd,
  progress: ProgressTracker,
): PullPlan {
  const choose = chosenManifests(platforms, manifestLimit);
  const targets = unpackTargets(ctx, services, unpacks);
  return {
    choose: (manifests) => {
      const whole = choose(manifests);
      if (whole.length === 0 && platforms.length > 0) {
        throw notFound(
          "an image for platform",
          platforms.map(formatPlatform).join(", "),
        );
      }
      const others = metadata === "wanted"
        ? []
        : manifests.filter((manifest) => !whole.includes(manifest));
      return [
        ...whole.map((manifest) => [manifest, "whole"] as const),
        ...others.map((manifest) => [manifest, "metadata"] as const),
      ];
    },
    unpackInto: async (platform) =>
      unpacks.length === 0 ? [] : targets(await platform()),
    onProgress: progress.update,
    onParts: (parent, parts) => progress.add(parent, parts),
  };
}
