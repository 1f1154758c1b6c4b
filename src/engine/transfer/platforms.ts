/** Which parts of an index a client asked for. */

import { formatPlatform, type Platform } from "../../base/platform.ts";
import type { Descriptor } from "../../oci/image_spec.ts";

/** Keeps manifests that are wanted, best first where there is an order. */
export type ManifestChoice = (
  manifests: readonly Descriptor[],
) => readonly Descriptor[];

/**
 * As containerd chooses: exactly these platforms, in this order, and whatever
 * names no platform; everything if no platform is named.
 * @param limit how many at the most
 */
export function chosenManifests(
  platforms: readonly Platform[],
  limit?: number,
): ManifestChoice {
  const ranks = platforms.map(formatPlatform);
  const rankOf = ({ platform }: Descriptor) =>
    platform === undefined ? ranks.length : ranks.indexOf(
      formatPlatform(platform),
    );
  return (manifests) => {
    if (ranks.length === 0) return manifests.slice(0, limit);
    const wanted = manifests.filter((it) => rankOf(it) >= 0);
    if (limit === undefined) return wanted;
    return wanted.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, limit);
  };
}
