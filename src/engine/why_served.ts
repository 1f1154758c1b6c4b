/** Why something is kept, by what a store's services tell. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import {
  type Edge,
  expiry,
  keepUntil,
  labelEdges,
  type Node,
  node,
} from "../core/gc_graph.ts";
import {
  leaseLines,
  leaseType,
  partsOf,
  ROOT_LABEL_LINES,
  whyHeld,
} from "../core/gc_why.ts";
import type { Labels } from "../core/labels.ts";
import {
  count,
  type CountedStore,
  type NamespaceCensus,
} from "./fsck_census.ts";

/**
 * As the collector of our own store tells it, in the context's namespace.
 *
 * @returns one line for each holder, a root first and the content last; empty
 * if nothing holds it
 */
export async function whyServed(
  ctx: Context,
  store: CountedStore,
  digest: Digest,
  now: Date,
): Promise<readonly string[]> {
  const census = await count(ctx, store);
  const holders = new Map<Node, Node[]>();
  for (const { source, target } of edgesOf(census)) {
    const known = holders.get(target);
    if (known === undefined) holders.set(target, [source]);
    else known.push(source);
  }
  const leases = leasesOf(census, now);
  return whyHeld({
    sources: (target) => holders.get(target) ?? [],
    rootOf: (at) => rootOf(census, leases, at, now),
  }, node.content(digest));
}

function* edgesOf(census: NamespaceCensus): Iterable<Edge> {
  const { images, containers, sandboxes, snapshots, content } = census;
  for (const { id, labels } of sandboxes) {
    yield* labelEdges(node.sandbox(id), labels);
  }
  for (const { name, target, labels } of images.values()) {
    const owner = node.image(name);
    yield { source: owner, target: node.content(target.digest) };
    yield* labelEdges(owner, labels);
  }
  for (const { id, labels, snapshotter, snapshotKey } of containers) {
    const owner = node.container(id);
    if (snapshotter !== "" && snapshotKey !== "") {
      yield { source: owner, target: node.snapshot(snapshotter, snapshotKey) };
    }
    yield* labelEdges(owner, labels);
  }
  for (const [snapshotter, named] of snapshots) {
    for (const { name, parent, labels } of named.values()) {
      const owner = node.snapshot(snapshotter, name);
      if (parent !== "") {
        yield { source: owner, target: node.snapshot(snapshotter, parent) };
      }
      yield* labelEdges(owner, labels);
    }
  }
  for (const { digest, labels } of content.values()) {
    yield* labelEdges(node.content(digest), labels);
  }
}

/** Ids of leases that have not expired, by what they hold. */
function leasesOf(
  { leases }: NamespaceCensus,
  now: Date,
): ReadonlyMap<string, string> {
  return new Map(
    leases.filter(({ labels }) => isFuture(expiry(labels), now) ?? true)
      .flatMap(({ id, resources }) =>
        resources.map((held) => [`${held.type} ${held.id}`, id])
      ),
  );
}

/** As `HolderGraph` has it. */
function rootOf(
  { images, containers, sandboxes, snapshots, content }: NamespaceCensus,
  leases: ReadonlyMap<string, string>,
  at: Node,
  now: Date,
): readonly string[] | undefined {
  const parts = partsOf(at);
  const { kind, id, snapshotter } = parts;
  const lease = leases.get(`${leaseType(parts)} ${id}`);
  if (lease !== undefined) return leaseLines(lease);
  const byLabels = (labels: Labels = {}) =>
    isFuture(keepUntil(labels), now) ? ROOT_LABEL_LINES : undefined;
  switch (kind) {
    case "k":
      return containers.some((it) => it.id === id) ? [] : undefined;
    case "b":
      return sandboxes.some((it) => it.id === id) ? [] : undefined;
    case "i": {
      const image = images.get(id);
      if (image === undefined) return undefined;
      return isFuture(expiry(image.labels), now) ?? true ? [] : undefined;
    }
    case "c":
      return byLabels(content.get(id as Digest)?.labels);
    case "s":
      return byLabels(snapshots.get(snapshotter)?.get(id)?.labels);
    default:
      return kind satisfies never;
  }
}

/** Undefined without a time. @param time milliseconds */
function isFuture(time: number | null, now: Date): boolean | undefined {
  return time === null ? undefined : time > now.getTime();
}
