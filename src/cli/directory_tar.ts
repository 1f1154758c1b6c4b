import { unimplemented } from "../base/errors.ts";
import type { Bytes } from "../engine/images_archive.ts";

/** The tree below a directory as a tar. */
export function tarOfDirectory(path: string): Bytes {
  throw unimplemented(`import directory "${path}"`);
}
