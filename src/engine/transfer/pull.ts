/** Registry to image store. */

import type { Context } from "../../base/context.ts";
import { EngineError, notFound } from "../../base/errors.ts";
import { parseReference } from "../../base/reference.ts";
import { formatPlatform } from "../../base/platform.ts";
import type { ImageVerifier } from "../../core/image_verifier.ts";
import type { Services } from "../../core/services.ts";
import type { ImageStoreEnd, RegistryEnd } from "../../core/transfer.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import { withLease } from "../images_lease.ts";
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
    await verify(leased, verifiers, text, target);
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

async function verify(
  ctx: Context,
  verifiers: readonly ImageVerifier[],
  name: string,
  target: Descriptor,
): Promise<void> {
  for (const verifier of verifiers) {
    const { ok, reason } = await judged(ctx, verifier, name, target);
    ctx.log.debug("Verified an image", { name, ok, verifier: verifier.name });
    if (ok) continue;
    throw new EngineError(
      "unknown",
      `image verifier ${verifier.name} blocked pull of ${name} with digest ` +
        `${target.digest} for reason: ${reason}`,
    );
  }
}

async function judged(
  ctx: Context,
  verifier: ImageVerifier,
  name: string,
  target: Descriptor,
): ReturnType<ImageVerifier["verify"]> {
  try {
    return await verifier.verify(ctx, name, target);
  } catch (cause) {
    const { code, message } = EngineError.from(cause);
    throw new EngineError(
      code,
      `blocking pull of ${name} with digest ${target.digest}: image verifier ` +
        `${verifier.name} returned error: ${message}`,
      { cause },
    );
  }
}
