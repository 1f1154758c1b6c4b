/** The files of an archive, stored as content on their way past. */

import { cleanUp, type Context } from "../base/context.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import { dataLoss, hasCode } from "../base/errors.ts";
import { Hasher } from "../base/hash.ts";
import type { ContentStore } from "../core/content.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../oci/image_spec.ts";
import type { Compression } from "../oci/media_types.ts";
import {
  type ArchiveEntry,
  type Bytes,
  linkTarget,
  normalPath,
} from "./images_archive.ts";
import { peekCompression } from "./images_compress.ts";

export interface StoredFile {
  readonly digest: Digest;
  readonly size: number;
  readonly compression: Compression;
}

/** What was found in an archive. */
export interface ArchiveFiles {
  /** `index.json`, `manifest.json`, …: parsed, not stored. */
  readonly documents: ReadonlyMap<string, unknown>;
  /** The file at a path, links followed. */
  find(path: string): StoredFile | undefined;
}

export interface StoreOptions {
  readonly newId: () => string;
  /** Keeps what was there before from being collected meanwhile. */
  readonly hold: (digest: Digest) => Promise<void>;
  readonly onFile?: ((path: string, size: number) => void) | undefined;
}

/** Files of the archive's own. */
const DOCUMENTS = ["index.json", "manifest.json", "oci-layout"];

/** Old files beside a layer that nobody needs. */
const IGNORED = /(?:^|\/)(?:VERSION|json|repositories)$/;

const MAX_LINKS = 16;

const DROP_BUDGET_MS = 5_000;

/** @throws {EngineError} `dataLoss` for a blob that is not what its name says */
export async function storeEntries(
  ctx: Context,
  store: ContentStore,
  entries: AsyncIterable<ArchiveEntry>,
  options: StoreOptions,
): Promise<ArchiveFiles> {
  const documents = new Map<string, unknown>();
  const files = new Map<string, StoredFile>();
  const links = new Map<string, string>();
  for await (const entry of entries) {
    ctx.signal.throwIfAborted();
    const path = normalPath(entry.path);
    if (entry.kind === "link") {
      links.set(path, entry.target);
    } else if (DOCUMENTS.includes(path)) {
      documents.set(path, parseDocument(path, await readAll(entry)));
    } else if (!IGNORED.test(path)) {
      files.set(path, await storeFile(ctx, store, path, entry, options));
      options.onFile?.(path, entry.size);
    }
  }
  return {
    documents,
    find: (path) => {
      let at = normalPath(path);
      for (let followed = 0; followed < MAX_LINKS; followed++) {
        const file = files.get(at);
        if (file !== undefined) return file;
        const target = links.get(at);
        if (target === undefined) return undefined;
        at = linkTarget(at, target);
      }
      return undefined;
    },
  };
}

type FileEntry = ArchiveEntry & { readonly kind: "file" };

async function readAll(entry: FileEntry): Promise<Uint8Array> {
  if (entry.size > MAX_MANIFEST_SIZE) {
    throw dataLoss(
      `Cannot read "${entry.path}": ${entry.size} bytes is too large`,
    );
  }
  const bytes = new Uint8Array(entry.size);
  let filled = 0;
  for await (const chunk of entry.data) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes;
}

function parseDocument(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw dataLoss(`Cannot read "${path}" of the archive: it is not JSON`, {
      cause,
    });
  }
}

async function storeFile(
  ctx: Context,
  store: ContentStore,
  path: string,
  entry: FileEntry,
  options: StoreOptions,
): Promise<StoredFile> {
  const { compression, bytes } = await peekCompression(entry.data);
  const named = digestOfPath(path);
  const digest = named === undefined
    ? await storeUnnamed(ctx, store, bytes, options)
    : await storeNamed(ctx, store, path, bytes, {
      mediaType: "application/octet-stream",
      digest: named,
      size: entry.size,
    }, options);
  return { digest, size: entry.size, compression };
}

/** `blobs/sha256/<hex>`, wherever the layout is in the archive. */
function digestOfPath(path: string): Digest | undefined {
  const match = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(path);
  const digest = `${match?.[1]}:${match?.[2]}`;
  return isDigest(digest) ? digest : undefined;
}

async function storeNamed(
  ctx: Context,
  store: ContentStore,
  path: string,
  bytes: Bytes,
  expected: Descriptor,
  { hold }: StoreOptions,
): Promise<Digest> {
  const { digest, size } = expected;
  const ref = `load-${digest}`;
  try {
    await using writer = await store.writer(ctx, ref, expected);
    await writer.truncate(0);
    await writeAll(writer, bytes);
    await writer.commit(ctx, { digest, size });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) {
      await dropIngest(ctx, store, ref);
      throw hasCode(error, "failedPrecondition")
        ? dataLoss(`Cannot load "${path}": it is damaged`, { cause: error })
        : error;
    }
    await hold(digest);
  }
  return digest;
}

async function storeUnnamed(
  ctx: Context,
  store: ContentStore,
  bytes: Bytes,
  { newId, hold }: StoreOptions,
): Promise<Digest> {
  const hasher = new Hasher();
  const ref = `load-${newId()}`;
  let digest: Digest | undefined;
  try {
    await using writer = await store.writer(ctx, ref);
    await writeAll(writer, bytes, (chunk) => hasher.update(chunk));
    digest = await hasher.digest();
    await writer.commit(ctx, { digest });
    return digest;
  } catch (error) {
    if (digest === undefined || !hasCode(error, "alreadyExists")) {
      await dropIngest(ctx, store, ref);
      throw error;
    }
    await hold(digest);
    return digest;
  }
}

/** Nobody will go on with it: what is loaded can't be fetched from there. */
async function dropIngest(
  ctx: Context,
  store: ContentStore,
  ref: string,
): Promise<void> {
  await cleanUp(
    ctx,
    DROP_BUDGET_MS,
    (fresh) =>
      store.abort(fresh, ref).catch((error) => {
        ctx.log.debug("Cannot drop what was being loaded", { ref, error });
      }),
  );
}

async function writeAll(
  writer: { write(chunk: Uint8Array): Promise<void> },
  bytes: Bytes,
  see: (chunk: Uint8Array) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for await (const chunk of bytes) {
    await see(chunk);
    await writer.write(chunk);
  }
}
