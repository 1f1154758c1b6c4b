/** What overlay mounts are made of. */

import type { OverlayFlavor } from "../oci/layer/overlay.ts";
import type { Mount } from "./mount.ts";

/** An overlay mount, read. */
interface OverlayLayers {
  readonly upper: string | undefined;
  /** Nearest first. */
  readonly lower: readonly string[];
  readonly flavor: OverlayFlavor;
}

/** The directory that holds exactly what `upper` changes of `lower`. */
export interface UpperDirectory {
  readonly path: string;
  readonly flavor: OverlayFlavor;
}

/**
 * Finds the directory that is the difference already: the upper one of an
 * overlay whose lower ones are all of `lower`.
 * @returns undefined if the mounts don't stand so to each other
 */
export function upperDirectoryOf(
  lower: readonly Mount[],
  upper: readonly Mount[],
): UpperDirectory | undefined {
  const above = overlayLayers(upper);
  if (above?.upper === undefined) return undefined;
  const below = overlayLayers(lower) ?? boundLayer(lower);
  const isSame = below !== undefined && below.upper === undefined &&
    below.lower.length === above.lower.length &&
    below.lower.every((layer, at) => layer === above.lower[at]);
  return isSame ? { path: above.upper, flavor: above.flavor } : undefined;
}

/**
 * The same files, only to be read: an overlay's upper directory becomes its
 * first lower one, because it may be in use by another mount.
 */
export function readOnlyMounts(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.map((mount) => {
    const layers = overlayLayers([mount]);
    if (layers?.upper === undefined) {
      const options = mount.options.filter((option) => option !== "rw");
      return { ...mount, options: [...new Set([...options, "ro"])] };
    }
    const kept = mount.options.filter((option) =>
      !/^(upperdir|workdir|lowerdir)=|^rw$|^index=/.test(option)
    );
    const lower = [escapeLayer(layers.upper), ...layers.lower].join(":");
    return { ...mount, options: ["ro", ...kept, `lowerdir=${lower}`] };
  });
}

/** A path given alone may hold colons; in a list they would divide it. */
function escapeLayer(path: string): string {
  return path.replaceAll(":", "\\:");
}

function overlayLayers(mounts: readonly Mount[]): OverlayLayers | undefined {
  const [mount] = mounts;
  if (mounts.length !== 1 || mount?.type !== "overlay") return undefined;
  const value = (key: string) =>
    mount.options.find((option) => option.startsWith(key))?.slice(key.length);
  return {
    upper: value("upperdir="),
    lower: value("lowerdir=")?.split(/(?<!\\):/) ?? [],
    flavor: mount.options.includes("userxattr") ? "user" : "trusted",
  };
}

/** A single layer needs no overlay. */
function boundLayer(mounts: readonly Mount[]): OverlayLayers | undefined {
  const [mount] = mounts;
  if (mounts.length !== 1 || mount === undefined) return undefined;
  const isBind = mount.type === "bind" ||
    mount.options.some((option) => option === "bind" || option === "rbind");
  return isBind && mount.options.includes("ro")
    ? { upper: undefined, lower: [escapeLayer(mount.source)], flavor: "user" }
    : undefined;
}
