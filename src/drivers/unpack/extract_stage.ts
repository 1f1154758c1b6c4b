import type { Digest } from "../../base/digest.ts";
import { TarReader } from "../../oci/tar/reader.ts";
import { LayerExtractor } from "./layer_extractor.ts";
import type { ExtractOrder, ExtractReport } from "./messages.ts";
import { PeerGone, RingReader } from "./ring.ts";

/** Plain bytes: ring → diff ID and, at the same time, tar → files. */
export async function runExtractStage(
  order: ExtractOrder,
): Promise<ExtractReport> {
  const source = new RingReader(order.ring);
  try {
    return await extract(order, source);
  } catch (error) {
    // The other side must come to its end, for the digest of all bytes.
    if (!(error instanceof PeerGone)) drain(source);
    throw error;
  }
}

async function extract(
  { algorithm, options }: ExtractOrder,
  source: RingReader,
): Promise<ExtractReport> {
  const { createHash } = await import("node:crypto");
  const hash = createHash(algorithm);
  using extractor = new LayerExtractor(options);
  const tar = new TarReader(extractor);
  // Text can't be decoded from shared memory, so the tar reader gets a copy.
  const copy = new Uint8Array(source.slotBytes);
  let size = 0;
  for (let part = source.next(); part !== undefined; part = source.next()) {
    copy.set(part);
    const chunk = copy.subarray(0, part.length);
    source.release();
    hash.update(chunk);
    tar.push(chunk);
    size += chunk.length;
  }
  tar.finish();
  return {
    kind: "extract",
    ...extractor.finish(),
    diffId: `${algorithm}:${hash.digest("hex")}` as Digest,
    size,
  };
}

function drain(source: RingReader): void {
  try {
    while (source.next() !== undefined) source.release();
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
  }
}
