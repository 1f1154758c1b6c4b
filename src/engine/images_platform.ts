/** Which of an image's platforms is meant. */

import {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  type Platform,
  platformMatcher,
} from "../base/platform.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { PlatformChoice } from "./images_content.ts";

const LAST = Number.MAX_SAFE_INTEGER;

/** This machine's, or the one that `--platform` names. */
export function wantedPlatform(text?: string): Platform {
  const host = hostPlatform(Deno.build);
  return text === undefined ? host : parsePlatform(text, host);
}

/**
 * What runs on `platform`, best first.
 * @param others `allow`: behind it whatever else there is, for commands that
 * show or name images and run nothing
 */
export function preferPlatform(
  platform: Platform,
  others: "allow" | "refuse",
): PlatformChoice {
  const matcher = platformMatcher(platform);
  const rank = (descriptor: Descriptor): number | undefined =>
    // The index of one manifest often does not say what it is for.
    descriptor.platform === undefined ? 0 : matcher.rank(descriptor.platform);
  const choose = (manifests: readonly Descriptor[]) =>
    manifests
      .filter((m) => !isAttestation(m))
      .map((manifest) => ({ manifest, rank: rank(manifest) }))
      .filter((m) => others === "allow" || m.rank !== undefined)
      .sort((a, b) => (a.rank ?? LAST) - (b.rank ?? LAST))
      .map(({ manifest }) => manifest);
  const key = `${formatPlatform(platform)} ${others}`;
  return Object.assign(choose, { key });
}

/** For commands that show, name or remove images. */
export function anyPlatform(text?: string): PlatformChoice {
  const platform = wantedPlatform(text);
  if (text === undefined) return preferPlatform(platform, "allow");
  const strict = preferPlatform(platform, "refuse");
  return Object.assign(strict, { only: platform });
}

function isAttestation({ platform }: Descriptor): boolean {
  return platform?.os === "unknown";
}
