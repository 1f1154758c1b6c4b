import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import type { FsckFinding } from "../core/fsck.ts";
import type { LeaseResource } from "../core/lease.ts";
import type {
  CountedContainer,
  NamespaceCensus,
  ServedStore,
} from "./fsck_census.ts";
import { FsckPatience } from "./fsck_patience.ts";

type Fault = Pick<FsckFinding, "kind" | "severity" | "subject" | "detail">;

const INCOMPLETE = "container-incomplete";

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
  const patience = new FsckPatience();
  for (const container of census.containers) {
    const layer = layerFault(census, container);
    const image = imageFault(census, container);
    if (layer === undefined && image === undefined) continue;
    const lacksIt = layer !== undefined &&
      await patience.lasts(() => lacksLayer(ctx, store, container));
    if (!await unlessMissing(store.containers.get(ctx, container.id))) continue;
    if (lacksIt) yield layer;
    if (image !== undefined) yield image;
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

/** One that is just being made has its record before its layer. */
async function lacksLayer(
  ctx: Context,
  { snapshotters, containers }: ServedStore,
  { id, snapshotter, snapshotKey }: CountedContainer,
): Promise<boolean> {
  const layers = snapshotters.get(snapshotter);
  if (layers === undefined) return true;
  const layer = await unlessMissing(layers.stat(ctx, snapshotKey));
  return layer === undefined &&
    await unlessMissing(containers.get(ctx, id)) !== undefined;
}

function layerFault(
  { snapshots }: NamespaceCensus,
  { id, snapshotter, snapshotKey }: CountedContainer,
): Fault | undefined {
  if (snapshotKey === "" || snapshotter === "") return undefined;
  const known = snapshots.get(snapshotter);
  if (known?.has(snapshotKey)) return undefined;
  const detail = known === undefined
    ? `Its snapshotter ${snapshotter} is not there`
    : `Its snapshot "${snapshotKey}" is not in ${snapshotter}`;
  return { kind: INCOMPLETE, severity: "error", subject: id, detail };
}

function imageFault(
  { images }: NamespaceCensus,
  { id, image }: CountedContainer,
): Fault | undefined {
  if (image === "" || images.has(image)) return undefined;
  const detail = `Its image "${image}" is not in the store`;
  return { kind: INCOMPLETE, severity: "notice", subject: id, detail };
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
