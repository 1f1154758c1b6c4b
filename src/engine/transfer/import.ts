/** Archive to image store. */

import type { Context } from "../../base/context.ts";
import { parseReference } from "../../base/reference.ts";
import { invalidArgument, notFound } from "../../base/errors.ts";
import type { Services } from "../../core/services.ts";
import type { ImageStoreEnd, ImportEnd } from "../../core/transfer.ts";
import {
  type Descriptor,
  type Index,
  parseDescriptor,
} from "../../oci/image_spec.ts";
import { isManifest, MEDIA_TYPE } from "../../oci/media_types.ts";
import { type ArchiveEntry, normalPath } from "../images_archive.ts";
import {
  addLabels,
  indexLabels,
  isPresent,
  writeBlob,
  writeJson,
} from "../images_content.ts";
import { holdContent, withLease } from "../images_lease.ts";
import { readTar } from "../images_tar.ts";
import { dockerImages } from "../load_docker.ts";
import { type ArchiveFiles, storeEntries } from "../load_files.ts";
import { labelTree } from "../load_oci.ts";
import {
  annotatedNames,
  NAME_ANNOTATION,
  plainNames,
  putNames,
  REF_ANNOTATION,
} from "./image_names.ts";
import { compressLayer } from "./compress_layer.ts";
import { chosenManifests } from "./platforms.ts";
import type { ProgressTracker } from "./progress.ts";
import { walkTree } from "./tree.ts";
import { unpackStored, unpackTargets } from "./unpack.ts";

/** What an archive names, and the index that says so. */
interface ArchiveIndex {
  readonly target: Descriptor;
  readonly manifests: readonly Descriptor[];
}

export async function transferImport(
  ctx: Context,
  services: Services,
  source: ImportEnd,
  store: ImageStoreEnd,
  progress: ProgressTracker,
): Promise<void> {
  progress.say("Importing");
  await withLease(ctx, services.leases, async (leased) => {
    const index = await storeArchive(leased, services, source);
    const wanted = await completeManifests(leased, services, index, store);
    if (store.unpacks.length > 0) {
      const into = unpackTargets(leased, services, store.unpacks);
      progress.add(undefined, wanted);
      for (const manifest of wanted) {
        await unpackStored(leased, services, manifest, into, progress);
      }
    }
    await nameAll(leased, services, index, store, progress);
  });
  progress.say("Completed import");
}

async function storeArchive(
  ctx: Context,
  services: Services,
  { bytes, layers }: ImportEnd,
): Promise<ArchiveIndex> {
  const { content, leases } = services;
  const seen: { index?: Uint8Array<ArrayBuffer> } = {};
  const entries = keepIndex(await readTar(bytes), (raw) => seen.index = raw);
  const files = await storeEntries(ctx, content, entries, {
    newId: () => crypto.randomUUID(),
    hold: (digest) => holdContent(ctx, leases, digest),
  });
  const index = seen.index === undefined
    ? await dockerIndex(ctx, services, files, layers)
    : await ociIndex(ctx, services, files, seen.index);
  await addLabels(
    ctx,
    content,
    index.target.digest,
    indexLabels(asIndex(index)),
  );
  return index;
}

function asIndex({ manifests }: Pick<ArchiveIndex, "manifests">): Index {
  return { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests };
}

/** The bytes of index.json are content here, so they are kept as they are. */
async function* keepIndex(
  entries: AsyncIterable<ArchiveEntry>,
  keep: (raw: Uint8Array<ArrayBuffer>) => void,
): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entries) {
    if (entry.kind !== "file" || normalPath(entry.path) !== "index.json") {
      yield entry;
      continue;
    }
    // What is too large is refused by whoever reads it.
    const kept: Uint8Array<ArrayBuffer>[] = [];
    const data = async function* () {
      for await (const chunk of entry.data) {
        kept.push(chunk.slice());
        yield chunk;
      }
    };
    yield { ...entry, data: data() };
    keep(new Uint8Array(await new Blob(kept).arrayBuffer()));
  }
}

async function ociIndex(
  ctx: Context,
  { content, leases }: Services,
  files: ArchiveFiles,
  raw: Uint8Array<ArrayBuffer>,
): Promise<ArchiveIndex> {
  const document = files.documents.get("index.json") as {
    readonly manifests?: readonly unknown[];
  };
  const manifests = (document.manifests ?? [])
    .map((value) => parseDescriptor(value));
  for (const manifest of manifests) await labelTree(ctx, content, manifest);
  const target = await writeBlob(ctx, content, MEDIA_TYPE.ociIndex, raw);
  await holdContent(ctx, leases, target.digest);
  return { target, manifests };
}

async function dockerIndex(
  ctx: Context,
  { content, leases }: Services,
  files: ArchiveFiles,
  layers: ImportEnd["layers"],
): Promise<ArchiveIndex> {
  if (!files.documents.has("manifest.json")) {
    throw invalidArgument("Cannot import the archive: it holds no images");
  }
  const pack = layers === "keep" ? undefined : compressLayer(content);
  const images = await dockerImages(ctx, content, files, pack);
  const manifests = images.flatMap(({ target, names }) =>
    names.length === 0 ? [target] : names.map((name) => named(target, name))
  );
  const { mediaType } = asIndex({ manifests });
  const target = await writeJson(
    ctx,
    content,
    mediaType ?? MEDIA_TYPE.ociIndex,
    asIndex({ manifests }),
  );
  await holdContent(ctx, leases, target.digest);
  return { target, manifests };
}

/** As the index of an OCI layout says what a manifest is called. */
function named(target: Descriptor, name: string): Descriptor {
  const annotations = {
    [NAME_ANNOTATION]: name,
    [REF_ANNOTATION]: parseReference(name).tag ?? name,
  };
  return { ...target, annotations };
}

/**
 * The manifests that are wanted.
 * @throws {EngineError} `notFound` if part of them is not in the archive, or
 * none is wanted
 */
async function completeManifests(
  ctx: Context,
  { content }: Services,
  { manifests }: ArchiveIndex,
  { platforms, manifestLimit }: ImageStoreEnd,
): Promise<readonly Descriptor[]> {
  const choose = chosenManifests(platforms, manifestLimit);
  const found = new Map<string, Descriptor>();
  for (const manifest of choose(manifests)) {
    const tree = walkTree(ctx, content, manifest, choose);
    for await (const { part } of tree) {
      if (!await isPresent(ctx, content, part.digest)) {
        throw notFound("part of the image in the archive", part.digest);
      }
      if (isManifest(part.mediaType)) found.set(part.digest, part);
    }
  }
  if (found.size === 0) {
    throw notFound("in the archive an image", "for the platform");
  }
  return [...found.values()];
}

/** What has no name is nobody's and will be collected. */
async function nameAll(
  ctx: Context,
  services: Services,
  { target, manifests }: ArchiveIndex,
  store: ImageStoreEnd,
  progress: ProgressTracker,
): Promise<void> {
  const { labels } = store;
  const all = [
    { target, names: plainNames(store, target) },
    ...manifests.map((manifest) => ({
      target: storedTarget(manifest),
      names: annotatedNames(store, manifest),
    })),
  ];
  for (const { target, names } of all) {
    if (names.length === 0) {
      ctx.log.info("Leave part of an archive without a name", {
        digest: target.digest,
      });
      continue;
    }
    const images = await putNames(ctx, services, names, { target, labels });
    for (const { name } of images) progress.sayImage("saved", name, target);
  }
}

/** An image's target has no platform in the store. */
function storedTarget(
  { mediaType, digest, size, annotations }: Descriptor,
): Descriptor {
  return { mediaType, digest, size, ...annotations && { annotations } };
}
