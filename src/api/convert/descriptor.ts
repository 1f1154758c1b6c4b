/** Descriptors between wire and domain. */

import type { Descriptor as WireDescriptor } from "../../../proto/gen/containerd/types/descriptor.ts";
import { parseDigest } from "../../base/digest.ts";
import type { Descriptor } from "../../oci/image_spec.ts";

export function toDescriptor(
  { mediaType, digest, size, annotations = {} }: Descriptor,
): WireDescriptor {
  return {
    mediaType,
    digest,
    size: BigInt(size),
    annotations: { ...annotations },
  };
}

/** @throws {EngineError} `invalidArgument` if the digest is none */
export function fromDescriptor(
  { mediaType, digest, size, annotations }: WireDescriptor,
): Descriptor {
  return {
    mediaType,
    digest: parseDigest(digest),
    size: Number(size),
    ...Object.keys(annotations).length === 0 ? {} : { annotations },
  };
}
