/** Archives of images as tar. */

import { type EngineError, invalidArgument } from "../base/errors.ts";
import type { TarHeader } from "../oci/tar/header.ts";
import { TarReader } from "../oci/tar/reader.ts";
import { encodeHeader, END_OF_ARCHIVE, paddingOf } from "../oci/tar/writer.ts";
import type { ArchiveEntry, ArchiveFile, Bytes } from "./images_archive.ts";
import { decompress, peekCompression } from "./images_compress.ts";

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
  let known = false;
  for await (const chunk of source) {
    try {
      reader.push(chunk);
    } catch (error) {
      throw known || queue.length > 0 ? error : notTar(error);
    }
    known ||= queue.length > 0;
    yield* queue.splice(0);
  }
  reader.finish();
  yield* queue.splice(0);
}

/** What is wrong with the first entry is of no use: there is none. */
function notTar(cause: unknown): EngineError {
  return invalidArgument("Cannot load the archive: it is not a tar", {
    cause,
    hint: "It must be what docker save, skopeo or coracle save wrote, plain " +
      "or packed with gzip or zstd",
  });
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

/** The same archive for the same files: no owner, no time. */
export async function* tarBytes(
  files: AsyncIterable<ArchiveFile>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const made = new Set<string>();
  for await (const { path, size, data } of files) {
    for (const directory of parents(path)) {
      if (made.has(directory)) continue;
      made.add(directory);
      yield encodeHeader({ ...ENTRY, type: "directory", name: directory });
    }
    yield encodeHeader({
      ...ENTRY,
      mode: 0o644,
      type: "file",
      name: path,
      size,
    });
    yield* data;
    yield paddingOf(size);
  }
  yield END_OF_ARCHIVE as Uint8Array<ArrayBuffer>;
}

const ENTRY = { mode: 0o755, uid: 0, gid: 0, mtime: { sec: 0, nsec: 0 } };

/** `a/b/c` → `a`, `a/b` */
export function parents(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
