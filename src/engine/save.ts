/**
 * Images as an archive that both `docker load` and readers of OCI layouts
 * take: blobs under their digests, `index.json` for the one, `manifest.json`
 * for the other.
 *
 * @see OCI image-spec 1.1, "Image Layout"
 */

import type { Context } from "../base/context.ts";
import { digestAlgorithm, digestHex } from "../base/digest.ts";
import type { ContentStore } from "../core/content.ts";
import { verifiedStream } from "../core/verified.ts";
import type { Image } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import { nameReference } from "./images.ts";
import { type ArchiveFile, bytesOnce } from "./images_archive.ts";
import type { ImageContent, PlatformChoice } from "./images_content.ts";
import { whileHeld } from "./images_lease.ts";
import { findContent } from "./images_of_platform.ts";
import { shownName } from "./remove.ts";
import { platformsOf, type SavedPlatforms } from "./save_platforms.ts";

export interface SaveOptions {
  /** `docker` adds what docker reads to the OCI layout. */
  readonly format: "docker" | "oci";
  readonly wanted: PlatformChoice;
}

interface SavedImage {
  readonly image: Image;
  /** Of its best platform. */
  readonly content: ImageContent;
  /** Where there are several. */
  readonly platforms: SavedPlatforms | undefined;
  /** True if it is asked for by its name, which then is saved, too. */
  readonly named: boolean;
}

/**
 * The files of the archive, in order; of an image for several platforms those
 * that the store has, if none is wanted and it is not asked for by the ID of
 * one. `docker load` takes the best of them. The images are looked up before the
 * first file is asked for, so that a missing one leaves no half archive.
 *
 * @throws {EngineError} `notFound`
 */
export async function saveImages(
  ctx: Context,
  services: Services,
  names: readonly string[],
  { format, wanted }: SaveOptions,
): Promise<AsyncIterable<ArchiveFile>> {
  const saved: SavedImage[] = [];
  for (const name of names) {
    const { image, by, content } = await findContent(
      ctx,
      services,
      name,
      wanted,
    );
    const platforms = wanted.only === undefined && by !== "id"
      ? await platformsOf(ctx, services.content, image.target)
      : undefined;
    saved.push({ image, content, platforms, named: by === "name" });
  }
  // Their names may be removed meanwhile.
  const targets = saved.map(({ image }) => image.target.digest);
  return whileHeld(
    ctx,
    services.leases,
    targets,
    (ctx) => archive(ctx, services.content, saved, format),
  );
}

async function* archive(
  ctx: Context,
  store: ContentStore,
  saved: readonly SavedImage[],
  format: SaveOptions["format"],
): AsyncGenerator<ArchiveFile> {
  yield jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" });
  const written = new Set<string>();
  const isNew = ({ digest }: Descriptor) => {
    const { size } = written;
    return written.add(digest).size > size;
  };
  for (const { content, platforms } of saved) {
    const { manifestDescriptor, manifest } = content;
    const blobs = platforms?.blobs ??
      [manifest.config, ...manifest.layers, manifestDescriptor];
    for (const blob of blobs) {
      if (isNew(blob)) yield await blobFile(ctx, store, blob);
    }
    if (platforms?.bytes !== undefined && isNew(platforms.index)) {
      yield madeFile(platforms.index, platforms.bytes);
    }
  }
  yield jsonFile("index.json", {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: saved.map(indexEntry),
  });
  if (format === "docker") {
    yield jsonFile("manifest.json", dockerEntries(saved));
  }
}

function indexEntry({ image, content, platforms, named }: SavedImage) {
  const { mediaType, digest, size } = platforms?.index ??
    content.manifestDescriptor;
  const { os, architecture, variant } = content.config;
  const platform = { architecture, os, ...variant ? { variant } : {} };
  const reference = named ? nameReference(image.name) : undefined;
  return {
    mediaType,
    digest,
    size,
    ...platforms === undefined ? { platform } : {},
    ...reference && {
      annotations: {
        "io.containerd.image.name": image.name,
        "org.opencontainers.image.ref.name": reference.tag ?? image.name,
      },
    },
  };
}

/** One entry for each image, with all of its names. */
function dockerEntries(saved: readonly SavedImage[]) {
  const byDigest = Map.groupBy(
    saved,
    ({ content }) => content.manifestDescriptor.digest,
  );
  return [...byDigest.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { manifest } = first.content;
    const tags = same.flatMap(({ image, named }) =>
      named && nameReference(image.name)?.tag !== undefined
        ? [shownName(image.name)]
        : []
    );
    return [{
      Config: blobPath(manifest.config),
      RepoTags: [...new Set(tags)],
      Layers: manifest.layers.map(blobPath),
    }];
  });
}

export function blobPath({ digest }: Descriptor): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

function madeFile(
  blob: Descriptor,
  bytes: Uint8Array<ArrayBuffer>,
): ArchiveFile {
  return { path: blobPath(blob), size: blob.size, data: bytesOnce(bytes) };
}

export function jsonFile(path: string, value: unknown): ArchiveFile {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { path, size: bytes.length, data: bytesOnce(bytes) };
}

export async function blobFile(
  ctx: Context,
  store: ContentStore,
  blob: Descriptor,
): Promise<ArchiveFile> {
  const data = await verifiedStream(ctx, store, blob);
  return { path: blobPath(blob), size: blob.size, data };
}
