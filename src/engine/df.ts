import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import type { ContainerStore } from "../core/container.ts";
import type { ImageStore } from "../core/image.ts";
import { LABEL } from "../core/labels.ts";
import type { LeaseManager } from "../core/lease.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import { ingestsLine } from "./df_ingests.ts";

/** One line of `system df`. */
export interface UsageLine {
  readonly kind:
    | "images"
    | "containers"
    | "volumes"
    | "logs"
    | "snapshots"
    | "content"
    | "ingests";
  readonly count: number;
  /**
   * Of them, in use: images and volumes by a container, containers and their
   * logs by a process, content and snapshots by an image; ingests by whoever
   * may go on with them.
   */
  readonly active: number;
  /** Bytes on disk, what is shared counted once. */
  readonly sizeBytes: number;
  /** Of them, bytes that a prune of everything unused would free. */
  readonly reclaimableBytes: number;
}

export interface DiskUsageDeps {
  readonly content: ContentStore;
  readonly leases: LeaseManager;
  readonly now: () => Date;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  /** Whether a container has a process; one without can be removed. */
  readonly isRunning: (containerId: string) => Promise<boolean>;
  readonly volumes: () => Promise<readonly VolumeUsage[]>;
  /** Bytes of a container's log; undefined if it has none on disk. */
  readonly logUsage: (containerId: string) => Promise<number | undefined>;
}

/** One volume's. */
export interface VolumeUsage {
  readonly bytes: number;
  readonly isUsed: boolean;
}

/**
 * What a namespace keeps on disk and how much of it could go. Images are
 * their layers, unpacked, and their blobs; containers their writable
 * layers.
 */
export async function diskUsage(
  ctx: Context,
  deps: DiskUsageDeps,
): Promise<readonly UsageLine[]> {
  const graph = await readGraph(ctx, deps);
  const reachable = reachedFrom(graph, graph.images.keys());
  const inUse = reachedFrom(graph, graph.usedRoots);
  return [
    imagesLine(graph, reachable, inUse),
    containersLine(graph),
    volumesLine(await deps.volumes()),
    logsLine(graph),
    line("snapshots", graph.snapshots, inUse, reachable),
    line("content", graph.blobs, inUse, reachable),
    await ingestsLine(ctx, deps),
  ];
}

/** A thing by the name it has in the graph. */
type NodeId = string;

interface Graph {
  /** What each node refers to. */
  readonly edges: Map<NodeId, NodeId[]>;
  /** Bytes of each blob. */
  readonly blobs: Map<NodeId, number>;
  /** Bytes of each snapshot that is no container's. */
  readonly snapshots: Map<NodeId, number>;
  /** Bytes of each container's writable layer. */
  readonly writable: Map<NodeId, number>;
  /** Each container's log. */
  readonly logs: LogUse[];
  readonly images: Map<NodeId, string>;
  /** Writable layers of containers that run. */
  readonly running: Set<NodeId>;
  /** Images of containers, and containers' snapshots. */
  readonly usedRoots: NodeId[];
}

interface LogUse {
  readonly bytes: number;
  readonly isRunning: boolean;
}

const blobNode = (digest: string): NodeId => `c/${digest}`;
const snapshotNode = (snapshotter: string, name: string): NodeId =>
  `s/${snapshotter}/${name}`;
const imageNode = (name: string): NodeId => `i/${name}`;

async function readGraph(ctx: Context, deps: DiskUsageDeps): Promise<Graph> {
  const graph: Graph = {
    edges: new Map(),
    blobs: new Map(),
    snapshots: new Map(),
    writable: new Map(),
    logs: [],
    images: new Map(),
    running: new Set(),
    usedRoots: [],
  };
  for await (const { digest, size, labels } of deps.content.walk(ctx)) {
    graph.blobs.set(blobNode(digest), size);
    graph.edges.set(blobNode(digest), labelTargets(labels));
  }
  for await (const { name, target, labels } of deps.images.list(ctx)) {
    graph.images.set(imageNode(name), name);
    const targets = [blobNode(target.digest), ...labelTargets(labels)];
    graph.edges.set(imageNode(name), targets);
  }
  await readContainers(ctx, deps, graph);
  for (const [name, snapshotter] of deps.snapshotters) {
    await readSnapshots(ctx, graph, name, snapshotter);
  }
  return graph;
}

async function readContainers(
  ctx: Context,
  deps: DiskUsageDeps,
  graph: Graph,
): Promise<void> {
  for await (const container of deps.containers.list(ctx)) {
    const { id, image, snapshotter, snapshotKey } = container;
    const node = snapshotNode(snapshotter, snapshotKey);
    graph.usedRoots.push(imageNode(image), node);
    const isRunning = await deps.isRunning(id);
    const bytes = await deps.logUsage(id);
    if (bytes !== undefined) graph.logs.push({ bytes, isRunning });
    if (snapshotKey === "") continue;
    graph.writable.set(node, 0);
    if (isRunning) graph.running.add(node);
  }
}

async function readSnapshots(
  ctx: Context,
  graph: Graph,
  name: string,
  snapshotter: Snapshotter,
): Promise<void> {
  for await (const info of snapshotter.walk(ctx)) {
    const node = snapshotNode(name, info.name);
    const parent = info.parent === "" ? [] : [snapshotNode(name, info.parent)];
    graph.edges.set(node, [...parent, ...labelTargets(info.labels)]);
    const usage = await unlessMissing(snapshotter.usage(ctx, info.name));
    // It may go while the list is read.
    if (usage === undefined) continue;
    const sizes = graph.writable.has(node) ? graph.writable : graph.snapshots;
    sizes.set(node, usage.sizeBytes);
  }
}

/** What labels refer to, as garbage collection sees it. */
function labelTargets(labels: Readonly<Record<string, string>>): NodeId[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(LABEL.gcRefContent)) return [blobNode(value)];
    const prefix = `${LABEL.gcRefSnapshot}.`;
    if (!key.startsWith(prefix)) return [];
    const [snapshotter = ""] = key.slice(prefix.length).split("/", 1);
    return [snapshotNode(snapshotter, value)];
  });
}

function reachedFrom(graph: Graph, roots: Iterable<NodeId>): Set<NodeId> {
  const reached = new Set(roots);
  // The set grows while it is walked.
  for (const node of reached) {
    for (const target of graph.edges.get(node) ?? []) reached.add(target);
  }
  return reached;
}

function imagesLine(
  graph: Graph,
  reachable: ReadonlySet<NodeId>,
  inUse: ReadonlySet<NodeId>,
): UsageLine {
  const parts = [...graph.blobs, ...graph.snapshots].filter(([node]) =>
    reachable.has(node)
  );
  const images = [...graph.images.keys()];
  return {
    kind: "images",
    count: images.length,
    active: images.filter((node) => inUse.has(node)).length,
    sizeBytes: sum(parts),
    reclaimableBytes: sum(parts.filter(([node]) => !inUse.has(node))),
  };
}

function containersLine({ writable, running }: Graph): UsageLine {
  const stopped = [...writable].filter(([node]) => !running.has(node));
  return {
    kind: "containers",
    count: writable.size,
    active: running.size,
    sizeBytes: sum([...writable]),
    reclaimableBytes: sum(stopped),
  };
}

function volumesLine(volumes: readonly VolumeUsage[]): UsageLine {
  const active = volumes.filter(({ isUsed }) => isUsed);
  return {
    kind: "volumes",
    count: volumes.length,
    active: active.length,
    sizeBytes: bytes(volumes),
    reclaimableBytes: bytes(volumes) - bytes(active),
  };
}

function bytes(uses: readonly { readonly bytes: number }[]): number {
  return uses.reduce((total, use) => total + use.bytes, 0);
}

/** A log goes with its container. */
function logsLine({ logs }: Graph): UsageLine {
  const active = logs.filter(({ isRunning }) => isRunning);
  return {
    kind: "logs",
    count: logs.length,
    active: active.length,
    sizeBytes: bytes(logs),
    reclaimableBytes: bytes(logs) - bytes(active),
  };
}

function line(
  kind: UsageLine["kind"],
  sizes: ReadonlyMap<NodeId, number>,
  inUse: ReadonlySet<NodeId>,
  reachable: ReadonlySet<NodeId>,
): UsageLine {
  const all = [...sizes];
  return {
    kind,
    count: all.length,
    active: all.filter(([node]) => reachable.has(node)).length,
    sizeBytes: sum(all),
    reclaimableBytes: sum(all.filter(([node]) => !inUse.has(node))),
  };
}

function sum(sizes: readonly (readonly [NodeId, number])[]): number {
  return sizes.reduce((total, [, bytes]) => total + bytes, 0);
}
