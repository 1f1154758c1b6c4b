import type { Compression } from "../../oci/media_types.ts";

/** Chunks in, compressed chunks out; the same bytes for the same input. */
export async function* compress(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === "none") {
    yield* chunks;
    return;
  }
  const zlib = await import("node:zlib");
  const { pipeline, Readable } = await import("node:stream");
  const options = { chunkSize: 256 * 1024 };
  const compressor = compression === "gzip"
    ? zlib.createGzip(options)
    : zlib.createZstdCompress(options);
  // What fails on one side is thrown on the other: no need for the callback.
  pipeline(Readable.from(chunks, { objectMode: true }), compressor, () => {});
  yield* compressor;
}
