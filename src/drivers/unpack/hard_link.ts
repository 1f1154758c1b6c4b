import type { TarHeader } from "../../oci/tar/header.ts";
import { ERRNO, SysError } from "../../sys/errno.ts";
import { type Errno, type Fd, makeHardLink } from "../../sys/fs.ts";
import { cleanPath } from "./entry_name.ts";
import type { LayerPlaces, Place } from "./layer_places.ts";
import { removeTree } from "./remove_tree.ts";

/** A name at the root for a moment. */
const SPARE = ".coracle-link";

/**
 * Gives a file of the layer a second name.
 * @throws {SysError} `ENOENT` if the file isn't there, which in a staged layer
 * may mean that it is in a layer below
 */
export function unpackHardLink(
  places: LayerPlaces,
  { name, linkName }: TarHeader,
  place: Place,
): void {
  const target = cleanPath(linkName);
  if (target === place.path) return;
  const slash = target.lastIndexOf("/");
  const from = places.find(target.slice(0, Math.max(0, slash)));
  const failed = from < 0
    ? -from
    : link(places, from, target.slice(slash + 1), place);
  if (failed === 0) return;
  // A directory can't be linked, but below it may be something else.
  const code = failed === ERRNO.EPERM ? ERRNO.EISDIR : failed;
  throw new SysError(`link "${name}" to`, code, linkName);
}

function link(
  places: LayerPlaces,
  from: Fd,
  name: string,
  place: Place,
): Errno {
  if (places.isWhiteout(from, name)) return ERRNO.ENOENT;
  const { parent, base } = place;
  const failed = makeHardLink(from, name, parent, base);
  if (failed !== ERRNO.EEXIST) return failed;
  // Linked aside first, in case that what is in the way holds the target.
  removeTree(places.root, SPARE);
  const refused = makeHardLink(from, name, places.root, SPARE);
  if (refused !== 0) return refused;
  places.remove(place);
  const again = makeHardLink(places.root, SPARE, parent, base);
  removeTree(places.root, SPARE);
  return again;
}
