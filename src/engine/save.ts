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
import { findContent } from "./images_of_platform.ts";
import { shownName } from "./remove.ts";

export interface SaveOptions {
  /** `docker` adds what docker reads to the OCI layout. */
  readonly format: "docker" | "oci";
  readonly wanted: PlatformChoice;
}

interface SavedImage {
  readonly image: Image;
  readonly content: ImageContent;
  /** True if it is asked for by its name, which then is saved, too. */
  readonly named: boolean;
}

/**
 * The files of the archive, in order; the images are looked up before the
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
    saved.push({ image, content, named: by === "name" });
  }
  return archive(ctx, services.content, saved, format);
}

async function* archive(
  ctx: Context,
  store: ContentStore,
  saved: readonly SavedImage[],
  format: SaveOptions["format"],
): AsyncGenerator<ArchiveFile> {
  yield jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" });
  const written = new Set<string>();
  for (const { content } of saved) {
    const { manifestDescriptor, manifest } = content;
    const blobs = [manifest.config, ...manifest.layers, manifestDescriptor];
    for (const blob of blobs) {
      if (written.has(blob.digest)) continue;
      written.add(blob.digest);
      yield await blobFile(ctx, store, blob);
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

function indexEntry({ image, content, named }: SavedImage) {
  const { mediaType, digest, size } = content.manifestDescriptor;
  const { os, architecture, variant } = content.config;
  const reference = named ? nameReference(image.name) : undefined;
  return {
    mediaType,
    digest,
    size,
    platform: { architecture, os, ...variant ? { variant } : {} },
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
