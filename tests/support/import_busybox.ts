/** An image with all that it is made of, as `import` makes it. */

import { writeBusyboxRoot } from "./run_image.ts";

/** @param path of the tar to be written */
export async function writeRootArchive(path: string): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    writeBusyboxRoot(root);
    const { success, stderr } = await new Deno.Command("tar", {
      args: ["--numeric-owner", "-cf", path, "-C", root, "."],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
