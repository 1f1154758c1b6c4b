import { unlessMissing } from "../../base/errors.ts";
import {
  diskUsage,
  type UsageLine,
  type VolumeUsage,
} from "../../engine/df.ts";
import { containerStatus, isAlive } from "../../engine/inspect_state.ts";
import { logUsage } from "../../engine/logs.ts";
import { volumeUse } from "../../engine/volume_use.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { humanSizePrecise } from "../format/human.ts";
import { type ListFormat, printList } from "../format/list.ts";
import { volumeDeps } from "../volume_deps.ts";

interface UsageRow {
  readonly Type: string;
  readonly TotalCount: string;
  readonly Active: string;
  readonly Size: string;
  readonly Reclaimable: string;
}

const LIST: ListFormat<UsageRow> = {
  headings: {
    Type: "TYPE",
    TotalCount: "TOTAL",
    Active: "ACTIVE",
    Size: "SIZE",
    Reclaimable: "RECLAIMABLE",
  },
  columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
  key: "Type",
};

const TYPES = {
  images: "Images",
  containers: "Containers",
  volumes: "Local Volumes",
  logs: "Logs",
  snapshots: "Snapshots",
  content: "Content",
  ingests: "Unfinished Downloads",
} as const satisfies Record<UsageLine["kind"], string>;

/** `coracle system df [-v]` */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  const { services } = deps;
  const { ctx } = inv;
  const usage = await diskUsage(ctx, {
    content: services.content,
    leases: services.leases,
    now: inv.now,
    images: services.images,
    containers: services.containers,
    snapshotters: services.snapshotters,
    // They may be removed while they are counted.
    isRunning: async (id) => {
      const container = await unlessMissing(services.containers.get(ctx, id));
      return container !== undefined &&
        isAlive(await containerStatus(ctx, services, container));
    },
    volumes: () => volumeUsage(inv),
    logUsage: async (id) => {
      const container = await unlessMissing(services.containers.get(ctx, id));
      return container && await logUsage(ctx, deps, container);
    },
  });
  const format = inv.flags.string("format");
  printList(inv.stdout, usage.map(row), LIST, { format });
  if (!inv.flags.boolean("verbose") || format !== undefined) return 0;
  for (const [title, command] of DETAILS) {
    inv.stdout.write(`\n${title}:\n\n`);
    const { run } = await command();
    await run({ ...inv, args: [], flags: NO_FLAGS });
  }
  return 0;
}

async function volumeUsage(inv: Invocation): Promise<readonly VolumeUsage[]> {
  const { ctx } = inv;
  const { services, volumes } = await volumeDeps(inv);
  const { usersOf } = await volumeUse(ctx, services);
  const found: VolumeUsage[] = [];
  for await (const volume of volumes.list(ctx)) {
    const bytes = await unlessMissing(volumes.usage(ctx, volume.name));
    if (bytes === undefined) continue;
    found.push({ bytes, isUsed: usersOf(volume).length > 0 });
  }
  return found;
}

const DETAILS = [
  ["Images space usage", () => import("./images.ts")],
  ["Containers space usage", () => import("./ps.ts")],
  ["Local Volumes", () => import("./volume_ls.ts")],
] as const;

/** The lists as they are without any flags, but of all containers. */
const NO_FLAGS: Invocation["flags"] = {
  boolean: (name) => name === "all" || name === "size",
  string: () => undefined,
  number: () => undefined,
  list: () => [],
  given: () => false,
  declares: () => false,
};

function row(line: UsageLine): UsageRow {
  const { kind, count, active, sizeBytes, reclaimableBytes } = line;
  const share = sizeBytes === 0
    ? ""
    : ` (${Math.round(100 * reclaimableBytes / sizeBytes)}%)`;
  return {
    Type: TYPES[kind],
    TotalCount: String(count),
    Active: String(active),
    Size: humanSizePrecise(sizeBytes),
    Reclaimable: humanSizePrecise(reclaimableBytes) + share,
  };
}
