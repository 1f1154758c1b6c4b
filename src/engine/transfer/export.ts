/** Image store to archive. */

import { hostPlatform } from "../../base/platform.ts";
import type { Context } from "../../base/context.ts";
import { invalidArgument, notFound, unimplemented } from "../../base/errors.ts";
import type { Image } from "../../core/image.ts";
import { LABEL } from "../../core/labels.ts";
import type { Services } from "../../core/services.ts";
import type { ExportEnd, ImageStoreEnd } from "../../core/transfer.ts";
import { readBlob } from "../../core/verified.ts";
import { type Descriptor, parseManifest } from "../../oci/image_spec.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../../oci/media_types.ts";
import { nameReference } from "../images.ts";
import type { ArchiveFile } from "../images_archive.ts";
import { withLease } from "../images_lease.ts";
import { tarBytes } from "../images_tar.ts";
import { shownName } from "../remove.ts";
import { blobFile, blobPath, jsonFile } from "../save.ts";
import { NAME_ANNOTATION, REF_ANNOTATION } from "./image_names.ts";
import { chosenManifests } from "./platforms.ts";
import type { ProgressTracker } from "./progress.ts";
import { walkTree } from "./tree.ts";

/** What of one image goes into an archive. */
interface Exported {
  readonly image: Image;
  readonly parts: readonly Descriptor[];
  /** What docker would run. */
  readonly manifest?: Descriptor;
}

export async function transferExport(
  ctx: Context,
  services: Services,
  source: ImageStoreEnd,
  destination: ExportEnd,
  progress: ProgressTracker,
): Promise<void> {
  progress.say("Exporting");
  await withLease(ctx, services.leases, async (leased) => {
    const exported: Exported[] = [];
    for (const image of await imagesOf(leased, services, source)) {
      exported.push(await examine(leased, services, image, destination));
    }
    const files = archive(leased, services, exported, destination);
    await destination.write(leased, tarBytes(files));
  });
  progress.say("Completed export");
}

async function imagesOf(
  ctx: Context,
  { images }: Services,
  { name, extraReferences }: ImageStoreEnd,
): Promise<readonly Image[]> {
  const names = extraReferences.map((reference) => {
    if (reference.kind === "name") return reference.name;
    throw unimplemented("export images by the prefix of their names");
  });
  const all = name === "" ? names : [name, ...names];
  return await Promise.all(all.map((name) => images.get(ctx, name)));
}

/** Before the first byte is written, so that what is missing is told in time. */
async function examine(
  ctx: Context,
  { content }: Services,
  image: Image,
  { platforms, others, blobs }: ExportEnd,
): Promise<Exported> {
  const { target, name } = image;
  if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) {
    throw invalidArgument(
      `Cannot export "${name}": only manifests may be exported`,
    );
  }
  const wanted = platforms.length === 0
    ? [hostPlatform(Deno.build)]
    : platforms;
  const choose = chosenManifests(others === "all" ? [] : wanted);
  const parts: Descriptor[] = [];
  for await (const { part } of walkTree(ctx, content, target, choose)) {
    if (blobs === "all" || isDistributable(part)) parts.push(part);
  }
  const manifests = parts.filter(({ mediaType }) => isManifest(mediaType));
  const [manifest] = chosenManifests(wanted, 1)(manifests);
  if (manifest === undefined && others === "leave") {
    throw notFound("a manifest for the platform in image", name);
  }
  for (const part of parts) await content.info(ctx, part.digest);
  return { image, parts, ...manifest && { manifest } };
}

function isDistributable({ mediaType }: Descriptor): boolean {
  return !/nondistributable|foreign/.test(mediaType);
}

async function* archive(
  ctx: Context,
  services: Services,
  exported: readonly Exported[],
  { format }: ExportEnd,
): AsyncGenerator<ArchiveFile> {
  const { content } = services;
  yield jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" });
  const written = new Set<string>();
  for (const part of exported.flatMap(({ parts }) => parts)) {
    if (written.has(part.digest)) continue;
    written.add(part.digest);
    yield await blobFile(ctx, content, part);
  }
  yield jsonFile("index.json", {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: await Promise.all(
      exported.map(({ image }) => indexEntry(ctx, services, image)),
    ),
  });
  if (format === "docker") {
    yield jsonFile(
      "manifest.json",
      await dockerEntries(ctx, services, exported),
    );
  }
}

/** With the image's name, and where its content came from. */
async function indexEntry(
  ctx: Context,
  { content }: Services,
  { name, target }: Image,
): Promise<Descriptor> {
  const { labels } = await content.info(ctx, target.digest);
  const sources = Object.entries(labels)
    .filter(([key]) => key.startsWith(LABEL.distributionSource));
  return {
    ...target,
    annotations: {
      ...target.annotations,
      ...Object.fromEntries(sources),
      [NAME_ANNOTATION]: name,
      [REF_ANNOTATION]: nameReference(name)?.tag ?? name,
    },
  };
}

/** One entry for each manifest, with all of its names. */
async function dockerEntries(
  ctx: Context,
  { content }: Services,
  exported: readonly Exported[],
): Promise<readonly unknown[]> {
  const entries = new Map<string, { RepoTags: string[] }>();
  for (const { image: { name }, manifest } of exported) {
    if (manifest === undefined) continue;
    const tags = nameReference(name)?.tag === undefined
      ? []
      : [shownName(name)];
    const before = entries.get(manifest.digest);
    if (before !== undefined) {
      before.RepoTags.push(...tags);
      continue;
    }
    const bytes = await readBlob(ctx, content, manifest);
    const { config, layers } = parseManifest(bytes);
    const entry = {
      Config: blobPath(config),
      RepoTags: tags,
      Layers: layers.map(blobPath),
    };
    entries.set(manifest.digest, entry);
  }
  return [...entries.values()];
}
