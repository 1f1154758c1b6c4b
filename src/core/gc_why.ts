/** Why the collector of garbage keeps something. */

import type { Node } from "./gc_graph.ts";

/** A graph, seen from what is held. */
export interface HolderGraph {
  /** What holds the node directly. */
  sources(target: Node): Iterable<Node>;
  /** Why a node is a root: lines to put above it; undefined if it is none. */
  rootOf(node: Node): readonly string[] | undefined;
}

/**
 * Walks from what is held up to the nearest root.
 *
 * @returns one line for each holder, the root first and `start` last; empty if
 * nothing holds it
 */
export function whyHeld(graph: HolderGraph, start: Node): readonly string[] {
  const heldBy = new Map<Node, Node | undefined>([[start, undefined]]);
  for (const [current] of heldBy) { // grows while it is walked
    const root = graph.rootOf(current);
    if (root !== undefined) return [...root, ...chain(heldBy, current)];
    for (const source of graph.sources(current)) {
      if (!heldBy.has(source)) heldBy.set(source, current);
    }
  }
  return [];
}

function chain(
  heldBy: ReadonlyMap<Node, Node | undefined>,
  from: Node,
): string[] {
  const lines: string[] = [];
  for (
    let at: Node | undefined = from;
    at !== undefined;
    at = heldBy.get(at)
  ) lines.push(describe(at));
  return lines;
}

/** Of a root that is one by what is written on itself. */
export const ROOT_LABEL_LINES: readonly string[] = [
  "its own label gc.root or gc.expire",
];

/** Of a root that a lease holds. */
export function leaseLines(id: string): readonly string[] {
  return [`lease "${id}"`];
}

export type NodeKind = "c" | "s" | "i" | "k" | "b";

export interface NodeParts {
  readonly kind: NodeKind;
  readonly id: string;
  /** Empty unless it is a snapshot. */
  readonly snapshotter: string;
}

export function partsOf(at: Node): NodeParts {
  const kind = at.charAt(0) as NodeKind;
  const id = at.slice(2);
  if (kind !== "s") return { kind, id, snapshotter: "" };
  const slash = id.indexOf("/");
  return { kind, id: id.slice(slash + 1), snapshotter: id.slice(0, slash) };
}

/** Type of a lease's resource; empty for what can't be leased. */
export function leaseType({ kind, snapshotter }: NodeParts): string {
  switch (kind) {
    case "c":
      return "content";
    case "s":
      return `snapshots/${snapshotter}`;
    case "i":
      return "images";
    case "k":
    case "b":
      return "";
    default:
      return kind satisfies never;
  }
}

function describe(at: Node): string {
  const { kind, id, snapshotter } = partsOf(at);
  switch (kind) {
    case "c":
      return `content "${id}"`;
    case "s":
      return `snapshot "${id}" of ${snapshotter}`;
    case "i":
      return `image "${id}"`;
    case "k":
      return `container "${id}"`;
    case "b":
      return `sandbox "${id}"`;
    default:
      return kind satisfies never;
  }
}
