/** What the `index.json` of an OCI layout names. */

import type { Context } from "../base/context.ts";
import { dataLoss, hasCode } from "../base/errors.ts";
import { formatReference, parseReference } from "../base/reference.ts";
import type { ContentStore } from "../core/content.ts";
import { readBlob } from "../core/verified.ts";
import {
  type Descriptor,
  parseDescriptor,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";
import {
  addLabels,
  indexLabels,
  isPresent,
  manifestLabels,
  type PlatformChoice,
  readImageContent,
} from "./images_content.ts";
import type { ArchivedImage } from "./load.ts";
import type { ArchiveFiles } from "./load_files.ts";

/** @throws {EngineError} `dataLoss` if a layer is missing */
export async function ociImages(
  ctx: Context,
  store: ContentStore,
  files: ArchiveFiles,
  wanted: PlatformChoice,
): Promise<readonly ArchivedImage[]> {
  const index = files.documents.get("index.json") as {
    manifests?: unknown[];
  };
  const byDigest = new Map<string, ArchivedImage>();
  for (const value of index.manifests ?? []) {
    const descriptor = parseDescriptor(value);
    await labelTree(ctx, store, descriptor);
    await checkComplete(ctx, store, descriptor, wanted);
    const before = byDigest.get(descriptor.digest)?.names ?? [];
    byDigest.set(descriptor.digest, {
      target: plainTarget(descriptor),
      names: [...new Set([...before, ...namesOf(descriptor, files)])],
    });
  }
  return [...byDigest.values()];
}

/** The annotations of a layout's index are about the layout, not the image. */
function plainTarget(
  { mediaType, digest, size }: Descriptor,
): Descriptor {
  return { mediaType, digest, size };
}

const NAME = "io.containerd.image.name";
const REF_NAME = "org.opencontainers.image.ref.name";

function namesOf(
  descriptor: Descriptor,
  files: ArchiveFiles,
): readonly string[] {
  const full = descriptor.annotations?.[NAME];
  if (full !== undefined) return normalised(full);
  const ref = descriptor.annotations?.[REF_NAME];
  // A bare tag says nothing about the repository.
  if (ref !== undefined && /[/:]/.test(ref)) return normalised(ref);
  return tagsOfDocker(files).length === 1 ? tagsOfDocker(files)[0] ?? [] : [];
}

/** `RepoTags` of each entry of a `manifest.json` beside the index. */
function tagsOfDocker(files: ArchiveFiles): string[][] {
  const entries = files.documents.get("manifest.json");
  if (!Array.isArray(entries)) return [];
  return entries.map((entry) =>
    ((entry?.RepoTags ?? []) as string[]).flatMap(normalised)
  );
}

/** Empty for what is no reference: the image is then known by its ID. */
export function normalised(name: string): string[] {
  try {
    return [formatReference(parseReference(name))];
  } catch (error) {
    if (hasCode(error, "invalidArgument")) return [];
    throw error;
  }
}

/** Labels that keep all parts of an image alive as long as its target. */
export async function labelTree(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
): Promise<void> {
  if (!await isPresent(ctx, store, descriptor.digest)) return;
  const bytes = await readBlob(ctx, store, descriptor);
  if (!isIndex(descriptor.mediaType)) {
    const labels = manifestLabels(parseManifest(bytes));
    await addLabels(ctx, store, descriptor.digest, labels);
    return;
  }
  const index = parseIndex(bytes);
  for (const child of index.manifests) await labelTree(ctx, store, child);
  await addLabels(ctx, store, descriptor.digest, indexLabels(index));
}

async function checkComplete(
  ctx: Context,
  store: ContentStore,
  target: Descriptor,
  wanted: PlatformChoice,
): Promise<void> {
  const missing = (what: string, digest: string, cause?: unknown) =>
    dataLoss(
      `Cannot load the archive: ${what} "${digest}" is missing from it`,
      {
        cause,
      },
    );
  try {
    const { manifest } = await readImageContent(ctx, store, target, wanted);
    for (const layer of manifest.layers) {
      if (!await isPresent(ctx, store, layer.digest)) {
        throw missing("layer", layer.digest);
      }
    }
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    throw missing("a manifest or config of", target.digest, error);
  }
}
