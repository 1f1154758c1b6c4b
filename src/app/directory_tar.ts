import type { Context } from "../base/context.ts";
import { tarTree } from "../drivers/diff_walking/tar_tree.ts";

/** The tree below a directory of the host as a tar: `import DIRECTORY`. */
export function tarOfDirectory(
  ctx: Context,
  path: string,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  return tarTree(ctx, path);
}
