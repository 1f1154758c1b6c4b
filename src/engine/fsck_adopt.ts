import { type Context, DEFAULT_NAMESPACE } from "../base/context.ts";
import { type Digest, shortDigest } from "../base/digest.ts";
import { hasCode } from "../base/errors.ts";
import { LABEL } from "../core/labels.ts";
import { readBlob } from "../core/verified.ts";
import {
  type Descriptor,
  MAX_MANIFEST_SIZE,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import type { FsckDeps } from "./fsck.ts";

/**
 * Guesses the images among adopted blobs, after the loss of their records:
 * what is a manifest or index gets the labels that keep its parts, and one
 * that no other refers to, and that is complete, gets a name.
 */
export async function adoptImages(
  ctx: Context,
  deps: FsckDeps,
  adopted: readonly Digest[],
): Promise<void> {
  const inDefault = { ...ctx, namespace: DEFAULT_NAMESPACE };
  const found = new Map<Digest, Parsed>();
  for (const digest of adopted) {
    const parsed = await parse(inDefault, deps, digest);
    if (parsed !== undefined) found.set(digest, parsed);
  }
  const children = new Set(
    [...found.values()].flatMap(({ parts }) =>
      parts.map(({ digest }) => digest)
    ),
  );
  for (const [digest, { target, labels, parts }] of found) {
    await deps.content.update(inDefault, { digest, labels });
    const isComplete = parts.every((part) => deps.content.hasBlob(part.digest));
    if (!isComplete || children.has(digest)) continue;
    const name = `recovered.localhost/${shortDigest(digest)}:latest`;
    try {
      await deps.images.create(inDefault, { name, target });
    } catch (error) {
      if (!hasCode(error, "alreadyExists")) throw error;
    }
  }
}

interface Parsed {
  readonly target: Descriptor;
  readonly parts: readonly Descriptor[];
  readonly labels: Readonly<Record<string, string>>;
}

async function parse(
  ctx: Context,
  deps: FsckDeps,
  digest: Digest,
): Promise<Parsed | undefined> {
  const size = deps.records.sizeAnywhere(digest) ?? 0;
  if (size === 0 || size > MAX_MANIFEST_SIZE) return undefined;
  const bytes = await readBlob(ctx, deps.content, {
    mediaType: "",
    digest,
    size,
  });
  if (bytes[0] !== "{".charCodeAt(0)) return undefined;
  return tryParse(() => {
    const { mediaType = MEDIA_TYPE.ociManifest, config, layers } =
      parseManifest(bytes);
    const labels = references([[".config", config], ...numbered("l", layers)]);
    const target = { mediaType, digest, size };
    return { target, parts: [config, ...layers], labels };
  }) ?? tryParse(() => {
    const { mediaType = MEDIA_TYPE.ociIndex, manifests } = parseIndex(bytes);
    const labels = references(numbered("m", manifests));
    const target = { mediaType, digest, size };
    return { target, parts: manifests, labels };
  });
}

function tryParse(parse: () => Parsed): Parsed | undefined {
  try {
    return parse();
  } catch (error) {
    if (hasCode(error, "invalidArgument")) return undefined;
    throw error;
  }
}

type Reference = readonly [suffix: string, descriptor: Descriptor];

function numbered(
  letter: string,
  descriptors: readonly Descriptor[],
): Reference[] {
  return descriptors.map((descriptor, n) => [`.${letter}.${n}`, descriptor]);
}

function references(parts: readonly Reference[]): Record<string, string> {
  return Object.fromEntries(
    parts.map((
      [suffix, { digest }],
    ) => [`${LABEL.gcRefContent}${suffix}`, digest]),
  );
}
