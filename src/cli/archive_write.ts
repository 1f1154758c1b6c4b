/** Archives of images, written into a directory. */

import { alreadyExists } from "../base/errors.ts";
import type { ArchiveFile } from "../engine/images_archive.ts";
import { parents } from "../engine/images_tar.ts";
import { withUsersUmask } from "../app/umask.ts";
import { writeFile } from "./whole_file.ts";

/**
 * Writes the files below `path`, which must be new or empty.
 * @throws {EngineError} `alreadyExists`
 */
export async function writeDirectory(
  path: string,
  files: AsyncIterable<ArchiveFile>,
): Promise<void> {
  makeDirectory(path);
  for await (const _ of Deno.readDir(path)) {
    throw alreadyExists("directory", path, {
      hint: "Name one that is not there, or is empty",
    });
  }
  for await (const file of files) {
    for (const directory of parents(file.path)) {
      makeDirectory(`${path}/${directory}`);
    }
    await writeFile(`${path}/${file.path}`, file.data);
  }
}

function makeDirectory(path: string): void {
  withUsersUmask(() => Deno.mkdirSync(path, { recursive: true }));
}
