import { dataLoss, unavailable } from "../../base/errors.ts";
import type { LayerSource } from "../../core/unpack.ts";
import type { FileGrowth } from "./growing_file.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * Appends what is missing to the source's file, telling `growth` about it.
 *
 * @param size bytes expected in all
 * @throws {EngineError} `dataLoss` if there are more, `unavailable` if there
 * are fewer; what the source throws
 */
export async function downloadLayer(
  source: LayerSource,
  size: number,
  growth: FileGrowth,
  signal: AbortSignal,
): Promise<void> {
  if (source.kind === "file") {
    growth.grow((await Deno.stat(source.path)).size);
    return growth.end("complete");
  }
  // An ingest that is too long can only be wrong; its digest will tell.
  growth.grow(source.offset);
  if (source.offset < size) await append(source, size, growth, signal);
  growth.end("complete");
}

async function append(
  source: Extract<LayerSource, { kind: "download" }>,
  size: number,
  growth: FileGrowth,
  signal: AbortSignal,
): Promise<void> {
  using file = await Deno.open(source.path, { append: true });
  const stream = await source.open(source.offset);
  let done = source.offset;
  for await (const chunk of chunks(stream, signal)) {
    done += chunk.length;
    if (done > size) {
      throw dataLoss(`Cannot take "${done}" bytes of a layer of "${size}"`);
    }
    await writeAll(file, chunk);
    growth.grow(done);
  }
  if (done < size) {
    throw unavailable(
      `Cannot get more than "${done}" bytes of a layer of "${size}"`,
    );
  }
}

async function writeAll(file: Deno.FsFile, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    at += await file.write(chunk.subarray(at));
  }
}

/** Each chunk is valid until the next is asked for. */
async function* chunks(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = byteReader(stream);
  const onAbort = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      const chunk = await reader.read();
      signal.throwIfAborted();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    await reader.cancel().catch(() => {});
  }
}

interface ByteReader {
  read(): Promise<Uint8Array | undefined>;
  cancel(reason?: unknown): Promise<void>;
}

/** Reads into one buffer over and over, if the stream can do that. */
function byteReader(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): ByteReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const plain = stream.getReader();
    return {
      read: async () => (await plain.read()).value,
      cancel: (reason) => plain.cancel(reason),
    };
  }
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  return {
    read: async () => {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (value === undefined || done) return undefined;
      buffer = value.buffer;
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}
