import type { Digest, DigestAlgorithm } from "./digest.ts";

/** Above so many bytes a streaming hash is worth its import, bytes. */
const SMALL = 1024 * 1024;

const SUBTLE_NAME = {
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
} as const satisfies Record<DigestAlgorithm, string>;

interface StreamingHash {
  update(chunk: Uint8Array): void;
  copy(): StreamingHash;
  digest(encoding: "hex"): string;
}

/** The digest of bytes in memory, without loading a module for it. */
export async function digestOf(
  bytes: Uint8Array,
  algorithm: DigestAlgorithm = "sha256",
): Promise<Digest> {
  // A copy, in case the bytes lie in shared memory, which is refused.
  const source = bytes.buffer instanceof ArrayBuffer
    ? bytes as Uint8Array<ArrayBuffer>
    : new Uint8Array(bytes);
  const hash = await crypto.subtle.digest(SUBTLE_NAME[algorithm], source);
  return `${algorithm}:${new Uint8Array(hash).toHex()}` as Digest;
}

/**
 * Hashes a stream. Up to a mebibyte it only gathers the bytes, because to load
 * the streaming hash takes longer than to hash a manifest.
 */
export class Hasher {
  readonly #algorithm: DigestAlgorithm;
  #gathered: Uint8Array[] = [];
  #size = 0;
  #streaming: StreamingHash | undefined;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** The caller may reuse `chunk` once this has resolved. */
  async update(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#streaming === undefined && this.#size > SMALL) {
      await this.#startStreaming();
    }
    if (this.#streaming === undefined) this.#gathered.push(chunk.slice());
    else this.#streaming.update(chunk);
  }

  /** Of the bytes so far. */
  async digest(): Promise<Digest> {
    if (this.#streaming !== undefined) {
      const hex = this.#streaming.copy().digest("hex");
      return `${this.#algorithm}:${hex}` as Digest;
    }
    return await digestOf(concat(this.#gathered, this.#size), this.#algorithm);
  }

  async #startStreaming(): Promise<void> {
    const { createHash } = await import("node:crypto");
    const streaming = createHash(this.#algorithm);
    for (const chunk of this.#gathered) streaming.update(chunk);
    this.#gathered = [];
    this.#streaming = streaming;
  }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
