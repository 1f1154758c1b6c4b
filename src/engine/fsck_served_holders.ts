import { unlessMissing } from "../base/errors.ts";
import type { Context } from "../base/context.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import type { FsckFinding } from "../core/fsck.ts";
import type { LeaseResource } from "../core/lease.ts";
import type {
  CountedContainer,
  NamespaceCensus,
  ServedStore,
} from "./fsck_census.ts";

type Fault = Pick<FsckFinding, "kind" | "severity" | "subject" | "detail">;

/** Whether what containers and leases of the context's namespace hold exists. */
export async function* checkHolders(
  ctx: Context,
  store: ServedStore,
  census: NamespaceCensus,
): AsyncIterable<FsckFinding> {
  const { namespace } = census;
  for await (const { detail, ...fault } of faults(ctx, store, census)) {
    yield {
      ...{ ...fault, action: "none", state: "found" },
      detail: `${detail} (namespace "${namespace}")`,
    };
  }
}

async function* faults(
  ctx: Context,
  store: ServedStore,
  census: NamespaceCensus,
): AsyncIterable<Fault> {
  for (const container of census.containers) {
    const found = [...containerFaults(census, container)];
    if (found.length === 0) continue;
    const { id } = container;
    if (await unlessMissing(store.containers.get(ctx, id))) yield* found;
  }
  for (const { id, resources } of census.leases) {
    const missing = resources.filter((it) => !exists(census, it));
    if (missing.length === 0) continue;
    const still = await unlessMissing(
      Array.fromAsync(store.leases.listResources(ctx, id)),
    ) ?? [];
    for (const it of missing) {
      if (
        !still.some((other) => isSame(it, other))
      ) continue;
      const detail = `It holds ${it.type} "${it.id}", which is not there`;
      yield {
        ...{ kind: "lease-dangling", severity: "notice", subject: id, detail },
      };
    }
  }
}

function* containerFaults(
  { snapshots, images }: NamespaceCensus,
  { id, image, snapshotter, snapshotKey }: CountedContainer,
): Iterable<Fault> {
  const kind = "container-incomplete";
  const known = snapshots.get(snapshotter);
  if (snapshotKey !== "" && snapshotter !== "" && !known?.has(snapshotKey)) {
    const detail = known === undefined
      ? `Its snapshotter ${snapshotter} is not there`
      : `Its snapshot "${snapshotKey}" is not in ${snapshotter}`;
    yield { kind, severity: "error", subject: id, detail };
  }
  if (image !== "" && !images.has(image)) {
    const detail = `Its image "${image}" is not in the store`;
    yield { kind, severity: "notice", subject: id, detail };
  }
}

/** Also what can't be looked for. */
function exists(
  { content, images, snapshots }: NamespaceCensus,
  { type, id }: LeaseResource,
): boolean {
  const [kind, snapshotter = ""] = type.split("/");
  switch (kind) {
    case "content":
      return isDigest(id) && content.has(id as Digest);
    case "images":
      return images.has(id);
    case "snapshots":
      return snapshots.get(snapshotter)?.has(id) ?? true;
    default:
      return true;
  }
}

function isSame(one: LeaseResource, other: LeaseResource): boolean {
  return one.type === other.type && one.id === other.id;
}
