/** Containers between wire and domain. */

import type { Container as WireContainer } from "../../../proto/gen/containerd/services/containers/v1/containers.ts";
import type { Container, NewContainer } from "../../core/container.ts";
import { fromAny, toAny } from "./any.ts";
import { fromLabels } from "./labels.ts";

/** Each by its name: lists are long, and to spread an object takes longer. */
export function toContainer(container: Container): WireContainer {
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: {
      name: container.runtime.name,
      options: toAny(container.runtime.options),
    },
    spec: toAny(container.spec),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    createdAt: container.createdAt,
    updatedAt: container.updatedAt,
    extensions: container.extensions,
    sandbox: container.sandboxId,
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
