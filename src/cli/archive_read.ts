/** Archives of images on disk or on a stream, for the engine to load. */

import { invalidArgument } from "../base/errors.ts";
import type { ArchiveEntry, Bytes } from "../engine/images_archive.ts";
import { decompress, peekCompression } from "../engine/images_compress.ts";
import type { TarHeader } from "../oci/tar/header.ts";
import { TarReader } from "../oci/tar/reader.ts";

/** A tar, plain or packed with gzip or zstd. */
export async function readTar(
  source: Bytes,
): Promise<AsyncIterable<ArchiveEntry>> {
  const { compression, bytes } = await peekCompression(source);
  return tarEntries(await decompress(bytes, compression));
}

type TarEvent =
  | { readonly kind: "entry"; readonly header: TarHeader }
  | { readonly kind: "data"; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly kind: "end" };

async function* tarEvents(source: Bytes): AsyncGenerator<TarEvent> {
  const queue: TarEvent[] = [];
  const reader = new TarReader({
    entry: (header) => queue.push({ kind: "entry", header }),
    // The chunk is a part of what was pushed, which nobody writes to again.
    data: (chunk) =>
      queue.push({ kind: "data", chunk: chunk as Uint8Array<ArrayBuffer> }),
    endEntry: () => queue.push({ kind: "end" }),
  });
  for await (const chunk of source) {
    reader.push(chunk);
    yield* queue.splice(0);
  }
  reader.finish();
  yield* queue.splice(0);
}

async function* tarEntries(source: Bytes): AsyncGenerator<ArchiveEntry> {
  const events = tarEvents(source);
  try {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) return;
      if (value.kind !== "entry") continue;
      const entry = archiveEntry(value.header, events);
      if (entry !== undefined) yield entry;
    }
  } finally {
    await events.return(undefined);
  }
}

function archiveEntry(
  header: TarHeader,
  events: AsyncGenerator<TarEvent>,
): ArchiveEntry | undefined {
  const { name: path, linkName, size } = header;
  switch (header.type) {
    case "file":
      return { kind: "file", path, size, data: dataOf(events) };
    case "symlink":
      return { kind: "link", path, target: linkName };
    case "hardlink":
      return { kind: "link", path, target: `/${linkName}` };
    default:
      return undefined;
  }
}

async function* dataOf(
  events: AsyncGenerator<TarEvent>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true || value.kind !== "data") return;
    yield value.chunk;
  }
}

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
