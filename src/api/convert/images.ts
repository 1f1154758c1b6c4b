/** Images between wire and domain. */

import type { Image as WireImage } from "../../../proto/gen/containerd/services/images/v1/images.ts";
import type { Image, NewImage } from "../../core/image.ts";
import { fromDescriptor, toDescriptor } from "./descriptor.ts";
import { fromLabels } from "./labels.ts";

export function toImage(
  { name, labels, target, createdAt, updatedAt }: Image,
): WireImage {
  return {
    name,
    labels: { ...labels },
    target: toDescriptor(target),
    createdAt,
    updatedAt,
  };
}

/** @throws {EngineError} `invalidArgument` if it has no target, or a bad one */
export function fromImage({ name, labels, target }: WireImage): NewImage {
  const wanted = target ??
    { mediaType: "", digest: "", size: 0n, annotations: {} };
  return {
    name,
    labels: fromLabels(labels),
    target: fromDescriptor(wanted),
  };
}

/** Of one made by another side. */
export function fromImageAnswer(image: WireImage): Image {
  return {
    ...fromImage(image),
    labels: image.labels,
    createdAt: image.createdAt ?? new Date(0),
    updatedAt: image.updatedAt ?? image.createdAt ?? new Date(0),
  };
}
