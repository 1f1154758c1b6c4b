import { digestAlgorithm } from "../../base/digest.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { FileGrowth } from "./growing_file.ts";
import type { ExtractOptions } from "./layer_extractor.ts";
import type { FailureReport, ReadReport, Report } from "./messages.ts";
import { abortRing, resetRing, RING_BYTES } from "./ring.ts";
import { Thread } from "./thread.ts";

export interface LaneOrder {
  readonly layer: Descriptor;
  readonly path: string;
  readonly growth: FileGrowth;
  /** Absent: the bytes are only verified. */
  readonly extract?: ExtractOptions;
}

export interface LaneReports {
  readonly read: ReadReport | FailureReport;
  readonly extract?: Report;
}

/**
 * Two threads with a ring between them, through which one layer at a time
 * flows: one reads, hashes and decompresses, the other hashes and makes files.
 * So even an image of one layer keeps two processors busy.
 */
export class Lane implements Disposable {
  readonly #ring = new SharedArrayBuffer(RING_BYTES);
  readonly #url: string | URL;
  readonly #reader: Thread;
  #extractor: Thread | undefined;

  constructor(url: string | URL) {
    this.#url = url;
    this.#reader = new Thread(url, "unpack-read");
  }

  async run(order: LaneOrder): Promise<LaneReports> {
    resetRing(this.#ring);
    const algorithm = digestAlgorithm(order.layer.digest);
    const ring = order.extract === undefined ? {} : { ring: this.#ring };
    const { path, growth: { memory: growth } } = order;
    const read = this.#reader.run({
      kind: "read",
      path,
      growth,
      algorithm,
      ...ring,
    }) as Promise<ReadReport | FailureReport>;
    if (order.extract === undefined) return { read: await read };
    this.#extractor ??= new Thread(this.#url, "unpack-extract");
    const extract = this.#extractor.run({
      kind: "extract",
      ring: this.#ring,
      // Diff IDs are always of this kind in images that exist.
      algorithm: "sha256",
      options: order.extract,
    });
    const [readReport, extractReport] = await Promise.all([read, extract]);
    return { read: readReport, extract: extractReport };
  }

  /** Makes what is under way fail soon. */
  abort(): void {
    abortRing(this.#ring);
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    this.#extractor?.[Symbol.dispose]();
  }
}
