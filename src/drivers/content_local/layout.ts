import {
  type Digest,
  digestAlgorithm,
  digestHex,
  isDigest,
} from "../../base/digest.ts";
import { digestOf } from "../../base/hash.ts";

/**
 * Where things lie below the content directory:
 * `blobs/ALGORITHM/HEX` and `ingest/ID/{data,info.json,lock}`; what proved to
 * be damaged goes to `quarantine/`.
 */
export class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  blob(digest: Digest): string {
    return `${this.blobDirectory(digest)}/${digestHex(digest)}`;
  }

  blobDirectory(digest: Digest): string {
    return `${this.root}/blobs/${digestAlgorithm(digest)}`;
  }

  get blobs(): string {
    return `${this.root}/blobs`;
  }

  get ingests(): string {
    return `${this.root}/ingest`;
  }

  get quarantine(): string {
    return `${this.root}/quarantine`;
  }

  /** The directory of an ingest; a ref may be no good as a file name. */
  async ingest(namespace: string, ref: string): Promise<string> {
    const key = new TextEncoder().encode(`${namespace}\0${ref}`);
    return `${this.ingests}/${digestHex(await digestOf(key)).slice(0, 40)}`;
  }
}

/** Owner only: content may be private. */
export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

export function makeDirectory(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
}

/** Makes entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}

/** File information; undefined if there is nothing. */
export function statOrNone(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Entries of a directory; none if it is not there. */
export function* entries(path: string): Generator<Deno.DirEntry> {
  try {
    yield* Deno.readDirSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

export interface BlobFile {
  readonly digest: Digest;
  readonly path: string;
}

/** Every file among the blobs whose name is a digest. */
export function* blobFiles(layout: Layout): Generator<BlobFile> {
  for (const algorithm of entries(layout.blobs)) {
    for (const { name } of entries(`${layout.blobs}/${algorithm.name}`)) {
      const digest = `${algorithm.name}:${name}`;
      if (isDigest(digest)) yield { digest, path: layout.blob(digest) };
    }
  }
}
