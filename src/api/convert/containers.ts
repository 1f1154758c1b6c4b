/** Containers between wire and domain. */

import type { Container as WireContainer } from "../../../proto/gen/containerd/services/containers/v1/containers.ts";
import type { Container, NewContainer } from "../../core/container.ts";
import { fromAny, toAny } from "./any.ts";
import { fromLabels } from "./labels.ts";

export function toContainer(container: Container): WireContainer {
  const { labels, runtime, spec, extensions, sandboxId } = container;
  return {
    ...container,
    labels: { ...labels },
    runtime: { name: runtime.name, options: toAny(runtime.options) },
    spec: toAny(spec),
    extensions: Object.fromEntries(
      Object.entries(extensions).map(([key, value]) => [key, toAny(value)]),
    ),
    sandbox: sandboxId,
  };
}

/** What a message leaves out is empty. */
export function fromContainer(
  { id, labels, image, runtime, snapshotter, snapshotKey, ...rest }:
    WireContainer,
): NewContainer {
  const options = fromAny(runtime?.options);
  const spec = fromAny(rest.spec);
  return {
    id,
    labels: fromLabels(labels),
    image,
    runtime: {
      name: runtime?.name ?? "",
      ...options === undefined ? {} : { options },
    },
    ...spec === undefined ? {} : { spec },
    snapshotter,
    snapshotKey,
    extensions: rest.extensions,
    sandboxId: rest.sandbox,
  };
}

/** Of one made by another side. */
export function fromContainerAnswer(container: WireContainer): Container {
  const { image, snapshotter, snapshotKey, labels, extensions } = container;
  const createdAt = container.createdAt ?? new Date(0);
  return {
    ...fromContainer(container),
    ...{ image, snapshotter, snapshotKey, labels, extensions },
    sandboxId: container.sandbox,
    createdAt,
    updatedAt: container.updatedAt ?? createdAt,
  };
}
