import type { Context } from "../base/context.ts";
import { type Digest, shortDigest } from "../base/digest.ts";
import { type ErrorCode, hasCode } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import type { FsckFinding, StoredImage } from "../core/fsck.ts";
import { readBlob } from "../core/verified.ts";
import {
  type Descriptor,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isIndex, isManifest } from "../oci/media_types.ts";

/** What images are looked for in. */
export interface ImageCheckDeps {
  readonly images: Iterable<StoredImage>;
  readonly content: ContentStore;
  readonly has: (digest: Digest) => boolean;
}

/** Looks for what images need and the store has not. */
export async function* checkImages(
  ctx: Context,
  deps: ImageCheckDeps,
): AsyncIterable<FsckFinding> {
  for (const image of deps.images) {
    ctx.signal.throwIfAborted();
    const { namespace, name, target } = image;
    const what = deps.has(target.digest)
      ? describe(await missingParts(ctx, deps, image))
      : `Its manifest "${target.digest}" is not in the store`;
    if (what === undefined) continue;
    yield {
      kind: deps.has(target.digest) ? "image-incomplete" : "image-dangling",
      severity: "error",
      subject: name,
      detail: `${what} (namespace "${namespace}"): pull it again, or remove it`,
      action: "none",
      state: "found",
    };
  }
}

function describe(missing: readonly Digest[]): string | undefined {
  const [first] = missing;
  if (first === undefined) return undefined;
  const more = missing.length === 1 ? "" : ` and ${missing.length - 1} others`;
  return `Its part "${shortDigest(first)}"${more} is not in the store`;
}

/**
 * Of every platform that was pulled. Of an index most platforms are elsewhere,
 * and are not missed.
 */
async function missingParts(
  ctx: Context,
  deps: ImageCheckDeps,
  { namespace, target }: StoredImage,
): Promise<readonly Digest[]> {
  const missing = new Set<Digest>();
  const within = { ...ctx, namespace };
  const has = ({ digest }: Descriptor) => deps.has(digest);
  await visit(target, "needed");
  return [...missing];

  async function visit(
    descriptor: Descriptor,
    config: "needed" | "a sign",
  ): Promise<void> {
    const { mediaType } = descriptor;
    const read = () => readBlob(within, deps.content, descriptor);
    if (isIndex(mediaType)) {
      const index = await sound(async () => parseIndex(await read()));
      for (const child of index?.manifests ?? []) {
        if (has(child)) await visit(child, "a sign");
      }
    }
    if (!isManifest(mediaType)) return;
    const manifest = await sound(async () => parseManifest(await read()));
    if (manifest === undefined) return;
    // A manifest alone may have come with its index.
    if (config === "a sign" && !has(manifest.config)) return;
    for (const part of [manifest.config, ...manifest.layers]) {
      // What has addresses of its own need not be in any registry.
      if (!has(part) && part.urls === undefined) missing.add(part.digest);
    }
  }
}

const KNOWN: readonly ErrorCode[] = [
  "notFound",
  "dataLoss",
  "invalidArgument",
];

/** Undefined for what is reported already, or is no image. */
async function sound<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (KNOWN.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}
