/** From a registry into the store. */

import type { Context } from "../base/context.ts";
import {
  hostPlatform,
  type Platform,
  selectManifest,
} from "../base/platform.ts";
import { formatReference, type Reference } from "../base/reference.ts";
import type { ImageVerifier } from "../core/image_verifier.ts";
import type { Image } from "../core/image.ts";
import type { Labels } from "../core/labels.ts";
import type { OnProgress } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import { withLease } from "./images_lease.ts";
import { outlast } from "./outlast.ts";
import { pullContent, type PullPlan } from "./pull_content.ts";
import { putImage } from "./tag.ts";
import { verifyImage } from "./verify_image.ts";

export interface PullOptions {
  /** By default this machine's. */
  readonly platforms?: "all" | Platform;
  /** By default the image is unpacked too. */
  readonly extent?: "unpacked" | "content";
  /** By default the one of the services. */
  readonly snapshotter?: string;
  /** Of the image record. */
  readonly labels?: Labels;
  readonly onProgress?: OnProgress;
  /** Who is asked before anything of it is fetched. */
  readonly verifiers?: readonly ImageVerifier[];
}

/**
 * Fetches an image, unpacks it while it comes, and gives it its name. What is
 * in the store already is not fetched again. Interrupted, it leaves what came
 * to be resumed; at the same time in several processes, each part is fetched
 * by one of them.
 *
 * @throws {EngineError} what the resolver throws; `notFound` if the image is
 * not made for the platform; `dataLoss` if it is not what its digests say;
 * `unknown` if a verifier refuses it
 */
export async function pullImage(
  ctx: Context,
  services: Services,
  reference: Reference,
  options: PullOptions = {},
): Promise<Image> {
  const onProgress = options.onProgress ?? (() => {});
  const name = formatReference(reference);
  const tell = (state: "resolving" | "done") =>
    onProgress({
      ...{ kind: "image", subject: name, state },
      ...{ doneBytes: 0, totalBytes: 0 },
    });
  return await withLease(
    ctx,
    services.leases,
    (leased) =>
      outlast(leased, services, async () => {
        tell("resolving");
        const image = await pullAs(
          leased,
          services,
          { name, reference },
          options,
        );
        tell("done");
        return image;
      }),
  );
}

async function pullAs(
  ctx: Context,
  services: Services,
  { name, reference }: { readonly name: string; readonly reference: Reference },
  options: PullOptions,
): Promise<Image> {
  const { labels = {}, verifiers = [] } = options;
  const target = await services.resolver.resolve(ctx, reference);
  await verifyImage(ctx, verifiers, name, target);
  const fetcher = services.resolver.fetcher(reference);
  const source = { services, fetcher, reference };
  await pullContent(ctx, source, planOf(services, options), target);
  return await putImage(ctx, services, { name, target, labels });
}

function planOf(services: Services, options: PullOptions): PullPlan {
  const { extent = "unpacked", onProgress = () => {} } = options;
  const host = hostPlatform(Deno.build);
  const { platforms = host } = options;
  const into = [options.snapshotter ?? services.defaultSnapshotter];
  return {
    choose: (manifests) => {
      const chosen = platforms === "all"
        ? manifests
        : [selectManifest(manifests, platforms)];
      return chosen.map((manifest) => [manifest, "whole"]);
    },
    unpackInto: async (platform) => {
      if (extent === "content") return [];
      if (platforms !== "all") return into;
      // Of all platforms, only this machine's.
      const { os, architecture } = await platform();
      return os === host.os && architecture === host.architecture ? into : [];
    },
    onProgress,
  };
}
