/** Archives of images, written as a tar or into a directory. */

import { alreadyExists, invalidArgument, notFound } from "../base/errors.ts";
import type { ArchiveFile, Bytes } from "../engine/images_archive.ts";
import { parents } from "../engine/images_tar.ts";
import { withUsersUmask } from "../app/umask.ts";

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

/**
 * Writes a file that is there only when it is whole: under another name
 * first, which is removed if anything goes wrong.
 *
 * @throws {EngineError} `notFound` if the directory is not there
 */
export async function writeWholeFile(
  path: string,
  bytes: Bytes,
): Promise<void> {
  const partial = `${path}.partial-${Deno.pid}`;
  checkDirectory(path);
  try {
    await writeFile(partial, bytes);
    await Deno.rename(partial, path);
  } catch (error) {
    await Deno.remove(partial).catch(() => undefined);
    throw error;
  }
}

/** Before anything is read or packed. */
function checkDirectory(path: string): void {
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "." : path.slice(0, slash) || "/";
  try {
    if (Deno.statSync(directory).isDirectory) return;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw notFound("directory", directory, {
      cause,
      hint: "Make it, or name another file with --output",
    });
  }
  throw invalidArgument(`Cannot write "${path}": "${directory}" is a file`);
}

function makeDirectory(path: string): void {
  withUsersUmask(() => Deno.mkdirSync(path, { recursive: true }));
}

async function writeFile(path: string, bytes: Bytes): Promise<void> {
  const options = { write: true, create: true, truncate: true };
  using file = withUsersUmask(() => Deno.openSync(path, options));
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      at += await file.write(chunk.subarray(at));
    }
  }
}
