/** What the `manifest.json` of a docker archive names. */

import type { Context } from "../base/context.ts";
import { dataLoss, invalidArgument } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import { readBlob } from "../core/verified.ts";
import { LABEL } from "../core/labels.ts";
import {
  type Descriptor,
  type Manifest,
  parseImageConfig,
} from "../oci/image_spec.ts";
import { type Compression, MEDIA_TYPE } from "../oci/media_types.ts";
import { addLabels, manifestLabels, writeJson } from "./images_content.ts";
import type { ArchivedImage } from "./load.ts";
import type { ArchiveFiles, StoredFile } from "./load_files.ts";
import { normalised } from "./load_oci.ts";

interface DockerEntry {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

/** What is stored instead of a layer: the same layer, perhaps compressed. */
export type PackLayer = (
  ctx: Context,
  layer: StoredFile,
) => Promise<StoredFile>;

/**
 * Docker's archives have no image manifests: they are made here.
 * @throws {EngineError} `dataLoss` if a file is missing
 */
export async function dockerImages(
  ctx: Context,
  store: ContentStore,
  files: ArchiveFiles,
  pack: PackLayer = (_ctx, layer) => Promise.resolve(layer),
): Promise<readonly ArchivedImage[]> {
  const entries = parseEntries(files.documents.get("manifest.json"));
  const images: ArchivedImage[] = [];
  for (const entry of entries) {
    images.push({
      target: await writeManifest(ctx, store, files, entry, pack),
      names: (entry.RepoTags ?? []).flatMap(normalised),
    });
  }
  return images;
}

function parseEntries(value: unknown): readonly DockerEntry[] {
  const isEntry = (entry: Partial<DockerEntry> | null): entry is DockerEntry =>
    typeof entry?.Config === "string" && Array.isArray(entry.Layers) &&
    entry.Layers.every((layer) => typeof layer === "string");
  if (Array.isArray(value) && value.every(isEntry)) return value;
  throw invalidArgument(
    'Cannot load the archive: its "manifest.json" is not docker\'s',
  );
}

const LAYER_TYPE = {
  none: MEDIA_TYPE.dockerLayer,
  gzip: MEDIA_TYPE.dockerLayerGzip,
  zstd: MEDIA_TYPE.dockerLayerZstd,
} as const satisfies Record<Compression, string>;

async function writeManifest(
  ctx: Context,
  store: ContentStore,
  files: ArchiveFiles,
  entry: DockerEntry,
  pack: PackLayer,
): Promise<Descriptor> {
  const config: Descriptor = {
    mediaType: MEDIA_TYPE.dockerConfig,
    ...plain(file(files, entry.Config)),
  };
  const { rootfs } = parseImageConfig(
    await readBlob(ctx, store, config),
  );
  if (rootfs.diff_ids.length !== entry.Layers.length) {
    throw dataLoss(
      `Cannot load the archive: "${entry.Config}" has ` +
        `${rootfs.diff_ids.length} layers, the archive ${entry.Layers.length}`,
    );
  }
  const layers: Descriptor[] = [];
  for (const [at, path] of entry.Layers.entries()) {
    const layer = file(files, path);
    const diffId = rootfs.diff_ids[at] ?? layer.digest;
    if (layer.compression === "none" && layer.digest !== diffId) {
      throw dataLoss(`Cannot load "${path}": it is damaged`);
    }
    const stored = await pack(ctx, layer);
    await addLabels(ctx, store, stored.digest, {
      [LABEL.uncompressed]: diffId,
    });
    layers.push({
      mediaType: LAYER_TYPE[stored.compression],
      ...plain(stored),
    });
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.dockerManifest,
    config,
    layers,
  };
  return await writeJson(
    ctx,
    store,
    MEDIA_TYPE.dockerManifest,
    manifest,
    manifestLabels(manifest),
  );
}

function plain({ digest, size }: StoredFile) {
  return { digest, size };
}

function file(files: ArchiveFiles, path: string): StoredFile {
  const found = files.find(path);
  if (found !== undefined) return found;
  throw dataLoss(`Cannot load the archive: "${path}" is missing from it`);
}
