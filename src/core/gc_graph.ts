/** The graph that garbage collection walks, as records and labels tell it. */

import { LABEL, type Labels } from "./labels.ts";

/** Anything that can hold or be held: a letter of its kind, and its name. */
export type Node = string & { readonly __brand: "Node" };

export const node = {
  content: (digest: string): Node => `c/${digest}` as Node,
  snapshot: (snapshotter: string, name: string): Node =>
    `s/${snapshotter}/${name}` as Node,
  image: (name: string): Node => `i/${name}` as Node,
  container: (id: string): Node => `k/${id}` as Node,
  sandbox: (id: string): Node => `b/${id}` as Node,
};

export interface Edge {
  /** What holds. */
  readonly source: Node;
  /** What is held. */
  readonly target: Node;
}

const REFERENCE = "containerd.io/gc.ref.";
const BACK_REFERENCE = `${LABEL.gcBackRef}.`;

/** The references that labels say. Suffixes behind `.` or `/` are free. */
export function labelEdges(owner: Node, labels: Labels): Edge[] {
  const edges: Edge[] = [];
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(REFERENCE)) {
      const target = referred(key.slice(REFERENCE.length), value);
      if (target !== undefined) edges.push({ source: owner, target });
    } else if (key.startsWith(BACK_REFERENCE)) {
      const source = referred(key.slice(BACK_REFERENCE.length), value);
      if (source !== undefined) edges.push({ source, target: owner });
    }
  }
  return edges;
}

function referred(kind: string, value: string): Node | undefined {
  const [, word, rest = ""] = /^([a-z]+)(?:[./](.*))?$/s.exec(kind) ?? [];
  switch (word) {
    case "content":
      return node.content(value);
    case "image":
      return node.image(value);
    case "container":
      return node.container(value);
    case "snapshot": {
      const [snapshotter = ""] = rest.split("/", 1);
      return snapshotter === "" ? undefined : node.snapshot(snapshotter, value);
    }
    default:
      return undefined;
  }
}

/** For ever, as the time of an expiry. */
const ALWAYS = Number.MAX_SAFE_INTEGER;

/**
 * Until when labels make content or a snapshot a root of its own: for ever
 * with `gc.root`, until the time of `gc.expire`, else null.
 */
export function keepUntil(labels: Labels): number | null {
  const isRoot = Object.keys(labels).some((key) =>
    key.startsWith(LABEL.gcRoot)
  );
  return isRoot ? ALWAYS : expiry(labels);
}

/** The time of `gc.expire`, milliseconds; null if there is none or it is malformed. */
export function expiry(labels: Labels): number | null {
  const label = labels[LABEL.gcExpire];
  const time = label === undefined ? NaN : Date.parse(label);
  return Number.isNaN(time) ? null : time;
}
