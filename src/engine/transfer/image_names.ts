/** The names that what was transferred gets in the image store. */

import type { Context } from "../../base/context.ts";
import { notFound } from "../../base/errors.ts";
import type { Image, NewImage } from "../../core/image.ts";
import type { Services } from "../../core/services.ts";
import type { ExtraReference, ImageStoreEnd } from "../../core/transfer.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import { putImage } from "../tag.ts";

export const NAME_ANNOTATION = "io.containerd.image.name";
export const REF_ANNOTATION = "org.opencontainers.image.ref.name";

/**
 * Names that a client asked for, whatever an archive says.
 */
export function plainNames(
  store: ImageStoreEnd,
  { digest }: Descriptor,
): readonly string[] {
  const extra = store.extraReferences.flatMap((reference) => {
    if (reference.kind === "name") return [reference.name];
    return reference.digests === "never" ? [] : [`${reference.name}@${digest}`];
  });
  return [...store.name === "" ? [] : [store.name], ...extra];
}

/**
 * Names that are made of the annotations of an archive's index; a bare tag
 * needs a prefix.
 */
export function annotatedNames(
  store: ImageStoreEnd,
  descriptor: Descriptor,
): readonly string[] {
  return store.extraReferences.flatMap((reference) => {
    if (reference.kind !== "prefix") return [];
    const name = annotatedName(descriptor, reference);
    const digested = `${reference.name}@${descriptor.digest}`;
    if (name === undefined) {
      return reference.digests === "never" ? [] : [digested];
    }
    return reference.digests === "always" ? [name, digested] : [name];
  });
}

type Prefix = Extract<ExtraReference, { kind: "prefix" }>;

function annotatedName(
  { annotations = {} }: Descriptor,
  prefix: Prefix,
): string | undefined {
  const full = annotations[NAME_ANNOTATION] ?? "";
  // A full name is taken as it is or not at all.
  if (full !== "") return prefixed(full, prefix) === full ? full : undefined;
  const ref = annotations[REF_ANNOTATION] ?? "";
  return ref === "" ? undefined : prefixed(ref, prefix);
}

function prefixed(
  ref: string,
  { name, otherNames }: Prefix,
): string | undefined {
  if (name === "") return undefined;
  if (!/[/:@]/.test(ref)) return `${name}:${ref}`;
  return otherNames === "take" || beginsWith(ref, name) ? ref : undefined;
}

/** Whole parts only: `a/b` is no beginning of `a/bc`. */
function beginsWith(ref: string, prefix: string): boolean {
  return ref.startsWith(prefix) &&
    (ref.length === prefix.length || /[/:@]/.test(ref.charAt(prefix.length)));
}

/** @throws {EngineError} `notFound` if there is no name */
export async function putNames(
  ctx: Context,
  services: Services,
  names: readonly string[],
  image: Omit<NewImage, "name">,
): Promise<readonly Image[]> {
  if (names.length === 0) {
    throw notFound("a name for image", image.target.digest);
  }
  const images: Image[] = [];
  for (const name of new Set(names)) {
    images.push(await putImage(ctx, services, { ...image, name }));
  }
  return images;
}
