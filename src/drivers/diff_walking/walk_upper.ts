import {
  isWhiteoutDevice,
  OPAQUE_XATTR,
  type OverlayFlavor,
  WHITEOUT_XATTR,
} from "../../oci/layer/overlay.ts";
import { opaqueMarkerOf, whiteoutOf } from "../../oci/layer/whiteout.ts";
import type { Directory } from "../../sys/walk.ts";
import type { FileStatus } from "../../sys/walk_status.ts";
import type { Archive, Parts } from "./archive.ts";
import { join, openChild } from "./tar_tree.ts";

/**
 * True if the upper directory speaks of others by its xattrs: a renamed
 * directory (`redirect`) or a file of which only the metadata was copied
 * (`metacopy`). Only a mount shows what is meant then.
 */
export function needsMount(
  directory: Directory,
  flavor: OverlayFlavor,
): boolean {
  const prefix = `${flavor}.overlay.`;
  for (const name of directory.names()) {
    const status = directory.status(name);
    if (status?.kind !== "file" && status?.kind !== "directory") continue;
    const attributes = directory.attributes(name);
    if (
      attributes.has(`${prefix}redirect`) || attributes.has(`${prefix}metacopy`)
    ) return true;
    if (status.kind !== "directory") continue;
    using child = openChild(directory, name);
    if (child !== undefined && needsMount(child, flavor)) return true;
  }
  return false;
}

/**
 * The upper directory of an overlay as a layer: character devices 0:0 become
 * whiteouts, opaque directories get their marker.
 */
export function* walkUpper(
  archive: Archive,
  directory: Directory,
  flavor: OverlayFlavor,
  path = "",
): Parts {
  if (isMarked(directory, "", OPAQUE_XATTR[flavor])) {
    yield* archive.marker(opaqueMarkerOf(path));
  }
  for (const name of directory.names()) {
    const status = directory.status(name);
    if (status === undefined) continue;
    const at = join(path, name);
    if (isDeleted(directory, name, status, flavor)) {
      yield* archive.marker(whiteoutOf(at));
      continue;
    }
    if (archive.isMountPoint(directory, name, at, status)) continue;
    yield* archive.add(directory, name, at, status);
    if (status.kind !== "directory") continue;
    using child = openChild(directory, name);
    if (child !== undefined) yield* walkUpper(archive, child, flavor, at);
  }
}

/** True if what is there says that there is nothing. */
export function isDeleted(
  directory: Directory,
  name: string,
  status: FileStatus,
  flavor: OverlayFlavor,
): boolean {
  if (status.kind === "char") {
    return isWhiteoutDevice(status.devMajor, status.devMinor);
  }
  // Since Linux 6.7 an empty file with an xattr may be one too.
  return status.kind === "file" && status.size === 0 &&
    directory.attributes(name).has(WHITEOUT_XATTR[flavor]);
}

export function isMarked(
  directory: Directory,
  name: string,
  key: string,
): boolean {
  const value = directory.attributes(name).get(key);
  return value?.length === 1 && value[0] === "y".charCodeAt(0);
}
