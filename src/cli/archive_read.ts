/** Archives of images on disk or on a stream, for the engine to load. */

import { invalidArgument } from "../base/errors.ts";
import type { ArchiveEntry } from "../engine/images_archive.ts";

/** A directory that an archive was unpacked to, or an OCI layout. */
export async function* readDirectory(
  path: string,
  prefix = "",
): AsyncGenerator<ArchiveEntry> {
  const names = (await Array.fromAsync(Deno.readDir(path)))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory, isFile } of names) {
    const full = `${path}/${name}`;
    const relative = `${prefix}${name}`;
    if (isDirectory) {
      yield* readDirectory(full, `${relative}/`);
    } else if (isFile) {
      const { size } = await Deno.stat(full);
      yield { kind: "file", path: relative, size, data: readFile(full) };
    } else {
      const target = await Deno.readLink(full);
      yield { kind: "link", path: relative, target };
    }
  }
}

const CHUNK_SIZE = 1024 * 1024;

/** A file from its beginning to its end. */
export async function* readFile(
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = await open(path);
  for (;;) {
    const buffer = new Uint8Array(CHUNK_SIZE);
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw invalidArgument(`Cannot open "${path}": no such file`, { cause });
  }
}

/** Is it there, and what? @throws {EngineError} `invalidArgument` */
export async function pathKind(path: string): Promise<"file" | "directory"> {
  try {
    return (await Deno.stat(path)).isDirectory ? "directory" : "file";
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw invalidArgument(`Cannot read "${path}": no such file or directory`, {
      cause,
    });
  }
}
