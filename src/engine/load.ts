/**
 * Images from an archive: an OCI layout, a docker archive, or both in one.
 *
 * Every file becomes content as it comes, held by a lease, because a docker
 * archive says only at its end what its files are. What no image names is
 * garbage afterwards.
 *
 * @see OCI image-spec 1.1, "Image Layout"
 */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import type { Image } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { ArchiveEntry } from "./images_archive.ts";
import { type PlatformChoice, readImageContent } from "./images_content.ts";
import { holdContent, withLease } from "./images_lease.ts";
import { summarise } from "./images_summary.ts";
import { dockerImages } from "./load_docker.ts";
import { type ArchiveFiles, storeEntries } from "./load_files.ts";
import { ociImages } from "./load_oci.ts";
import { putImage } from "./tag.ts";

export interface LoadOptions {
  readonly wanted: PlatformChoice;
  /** Names ingests, so that nobody else writes to them. */
  readonly newId: () => string;
  readonly onFile?: (path: string, size: number) => void;
}

/** What an archive says of one image. */
export interface ArchivedImage {
  readonly target: Descriptor;
  /** Normalised; none for an image known by its ID only. */
  readonly names: readonly string[];
}

export interface LoadedImage {
  readonly image: Image;
  readonly kind: "named" | "nameless";
}

/**
 * @throws {EngineError} `invalidArgument` if it is no archive of images;
 * `dataLoss` if something is missing from it or damaged
 */
export async function loadImages(
  ctx: Context,
  services: Services,
  entries: AsyncIterable<ArchiveEntry>,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  return await withLease(ctx, services.leases, async (leased) => {
    const files = await storeEntries(leased, services.content, entries, {
      newId: options.newId,
      hold: (digest) => holdContent(leased, services.leases, digest),
      onFile: options.onFile,
    });
    const archived = await archivedImages(leased, services, files, options);
    const loaded: LoadedImage[] = [];
    for (const image of archived) {
      loaded.push(...await createImages(leased, services, image, options));
    }
    return loaded;
  });
}

async function archivedImages(
  ctx: Context,
  services: Services,
  files: ArchiveFiles,
  { wanted }: LoadOptions,
): Promise<readonly ArchivedImage[]> {
  if (files.documents.has("index.json")) {
    return await ociImages(ctx, services.content, files, wanted);
  }
  if (files.documents.has("manifest.json")) {
    return await dockerImages(ctx, services.content, files);
  }
  throw invalidArgument("Cannot load the archive: it holds no images", {
    hint: "It must be what docker save, skopeo or coracle save wrote; " +
      "coracle import takes the tar of a root file system",
  });
}

async function createImages(
  ctx: Context,
  services: Services,
  { target, names }: ArchivedImage,
  { wanted }: LoadOptions,
): Promise<readonly LoadedImage[]> {
  if (names.length === 0) {
    const { manifest } = await readImageContent(
      ctx,
      services.content,
      target,
      wanted,
    );
    const name = manifest.config.digest;
    const image = await putImage(ctx, services, { name, target });
    return [{ image, kind: "nameless" }];
  }
  // So that lists of images need not read its manifest.
  await summarise(ctx, services, target, wanted);
  const loaded: LoadedImage[] = [];
  for (const name of names) {
    const image = await putImage(ctx, services, { name, target });
    loaded.push({ image, kind: "named" });
  }
  return loaded;
}
