/** Everything that a store's services tell of what there is. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { hasCode, unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { ContentInfo } from "../core/content.ts";
import type { Image } from "../core/image.ts";
import type { Lease, LeaseResource } from "../core/lease.ts";
import type { Sandbox } from "../core/sandbox.ts";
import type { Services } from "../core/services.ts";
import type { SnapshotInfo } from "../core/snapshot.ts";

/** What is asked. */
export type ServedStore = Pick<
  Services,
  | "content"
  | "images"
  | "containers"
  | "leases"
  | "sandboxes"
  | "namespaces"
  | "snapshotters"
  | "collector"
  | "host"
>;

/** What counting needs. */
export type CountedStore = Omit<
  ServedStore,
  "namespaces" | "collector" | "host"
>;

/** Of a container, without what is large. */
export type CountedContainer = Pick<
  Container,
  "id" | "image" | "labels" | "snapshotter" | "snapshotKey"
>;

export type CountedSandbox = Pick<Sandbox, "id" | "labels">;

export interface CountedLease extends Pick<Lease, "id" | "labels"> {
  readonly resources: readonly LeaseResource[];
}

/** What there is in one namespace. */
export interface NamespaceCensus {
  readonly namespace: string;
  readonly images: ReadonlyMap<string, Image>;
  readonly containers: readonly CountedContainer[];
  readonly leases: readonly CountedLease[];
  readonly sandboxes: readonly CountedSandbox[];
  /** By snapshotter, then by name or key. */
  readonly snapshots: ReadonlyMap<string, ReadonlyMap<string, SnapshotInfo>>;
  readonly content: ReadonlyMap<Digest, ContentInfo>;
}

/** Of every namespace. */
export async function countAll(
  ctx: Context,
  store: ServedStore,
): Promise<readonly NamespaceCensus[]> {
  const all: NamespaceCensus[] = [];
  for await (const { name } of store.namespaces.list(ctx)) {
    all.push(await count({ ...ctx, namespace: name }, store));
  }
  return all;
}

/**
 * Of the context's namespace. What refers to something is made after it, so it
 * is counted before: nothing seems to be missing that has just been made.
 */
export async function count(
  ctx: Context,
  store: CountedStore,
): Promise<NamespaceCensus> {
  const { namespace } = ctx;
  const leases = await countLeases(ctx, store);
  const sandboxes = await countSandboxes(ctx, store);
  const containers: CountedContainer[] = [];
  for await (const it of store.containers.list(ctx)) {
    const { id, image, labels, snapshotter, snapshotKey } = it;
    containers.push({ id, image, labels, snapshotter, snapshotKey });
  }
  const images = new Map<string, Image>();
  for await (const it of store.images.list(ctx)) images.set(it.name, it);
  const snapshots = new Map<string, Map<string, SnapshotInfo>>();
  for (const [name, snapshotter] of store.snapshotters) {
    const found = new Map<string, SnapshotInfo>();
    for await (const it of snapshotter.walk(ctx)) found.set(it.name, it);
    snapshots.set(name, found);
  }
  const content = new Map<Digest, ContentInfo>();
  for await (const it of store.content.walk(ctx)) content.set(it.digest, it);
  return {
    ...{ namespace, images, containers, leases, sandboxes },
    ...{ snapshots, content },
  };
}

async function countLeases(
  ctx: Context,
  { leases }: Pick<ServedStore, "leases">,
): Promise<readonly CountedLease[]> {
  const found: CountedLease[] = [];
  for await (const { id, labels } of leases.list(ctx)) {
    const resources = await unlessMissing(
      Array.fromAsync(leases.listResources(ctx, id)),
    );
    // It may have been deleted meanwhile.
    if (resources !== undefined) found.push({ id, labels, resources });
  }
  return found;
}

/** Containerd 1.6 has none. */
async function countSandboxes(
  ctx: Context,
  { sandboxes }: Pick<ServedStore, "sandboxes">,
): Promise<readonly CountedSandbox[]> {
  const found: CountedSandbox[] = [];
  try {
    for await (const { id, labels } of sandboxes.list(ctx)) {
      found.push({ id, labels });
    }
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
  }
  return found;
}
