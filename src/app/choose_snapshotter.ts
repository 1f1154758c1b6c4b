import {
  overlayFeatures,
  tryOverlay,
} from "../drivers/snapshot_overlay/trial.ts";
import type { OverlayFeatures } from "../drivers/snapshot_overlay/directories.ts";
import { writeWhole } from "../sys/write_whole.ts";
import type { StorePaths } from "./paths.ts";

/** Names as containerd has them: they are part of labels on content. */
export type SnapshotterChoice =
  | {
    readonly name: "overlayfs";
    readonly features: OverlayFeatures;
  }
  | {
    readonly name: "native";
    readonly features: OverlayFeatures;
    /** Why overlay can't be had. */
    readonly reason: string;
    /** True if this was found out just now: the time to tell the user. */
    readonly isNews: boolean;
  };

/** What a trial found, valid until the next boot. */
interface Remembered {
  readonly bootId: string;
  readonly root: string;
  /** In a user namespace another answer holds than outside. */
  readonly mapped: boolean;
  readonly features: OverlayFeatures;
  readonly reason?: string;
}

const FILE = "overlay.json";

/**
 * Overlay if a trial mount works where the snapshots are kept, else copies.
 * The trial takes a few milliseconds once per boot; the answer is kept in the
 * state directory.
 *
 * @param kind of identity: `rootless` if in a namespace of our own making
 */
export function chooseSnapshotter(
  paths: StorePaths,
  kind: "root" | "rootless",
): SnapshotterChoice {
  const known = recall(paths, kind);
  const { features, reason } = known ?? experiment(paths, kind);
  return reason === undefined
    ? { name: "overlayfs", features }
    : { name: "native", features, reason, isNews: known === undefined };
}

function recall(
  paths: StorePaths,
  kind: "root" | "rootless",
): Remembered | undefined {
  try {
    const text = Deno.readTextFileSync(`${paths.state}/${FILE}`);
    const found = JSON.parse(text) as Remembered;
    const isValid = found.bootId === bootId() && found.root === paths.root &&
      found.mapped === (kind === "rootless");
    return isValid ? found : undefined;
  } catch {
    // Absent or half-written: the trial is cheap.
    return undefined;
  }
}

function experiment(
  paths: StorePaths,
  kind: "root" | "rootless",
): Remembered {
  Deno.mkdirSync(`${paths.root}/snapshots`, { recursive: true, mode: 0o711 });
  const features = overlayFeatures();
  const reason = tryOverlay(`${paths.root}/snapshots`, features);
  const found: Remembered = {
    bootId: bootId(),
    root: paths.root,
    mapped: kind === "rootless",
    features,
    ...(reason === undefined ? {} : { reason }),
  };
  Deno.mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  writeWhole(`${paths.state}/${FILE}`, JSON.stringify(found));
  return found;
}

function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}
