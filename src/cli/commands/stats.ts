/** `coracle stats` */

import type { Container } from "../../core/container.ts";
import { settingsOf } from "../../core/container_settings.ts";
import type { Services } from "../../core/services.ts";
import type { TaskStats } from "../../core/task.ts";
import { containerName, findContainer } from "../../engine/inspect_find.ts";
import { type Usage, usageOf } from "../../engine/stats.ts";
import type { Invocation } from "../command.ts";
import { humanSize } from "../format/human.ts";
import { type ListFormat, printList } from "../format/list.ts";

/** A row as docker's formatter has it: all of it text. */
interface StatsRow {
  readonly Container: string;
  readonly Name: string;
  readonly ID: string;
  readonly CPUPerc: string;
  readonly MemUsage: string;
  readonly MemPerc: string;
  readonly NetIO: string;
  readonly BlockIO: string;
  readonly PIDs: string;
}

const LIST: ListFormat<StatsRow> = {
  headings: {
    Container: "CONTAINER",
    Name: "NAME",
    ID: "CONTAINER ID",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
  columns: [
    "ID",
    "Name",
    "CPUPerc",
    "MemUsage",
    "MemPerc",
    "NetIO",
    "BlockIO",
    "PIDs",
  ],
  key: "ID",
};

/** Between two figures, from which the processor's share comes. */
const INTERVAL_MS = 1000;
const CLEAR_SCREEN = "\x1b[2J\x1b[H";

/** `coracle stats [--no-stream] [-a] [CONTAINER...]` */
export async function run(inv: Invocation): Promise<number> {
  const { ctx, flags } = inv;
  const services = await inv.services();
  const before = new Map<string, TaskStats>();
  const machine = Deno.systemMemoryInfo().total;
  await sample(inv, services, before, machine);
  for (;;) {
    await pause(ctx.signal);
    if (ctx.signal.aborted) return 0;
    const rows = await sample(inv, services, before, machine);
    const streams = !flags.boolean("no-stream");
    if (streams && inv.stdout.isTerminal) inv.stdout.write(CLEAR_SCREEN);
    printList(inv.stdout, rows, LIST, { format: flags.string("format") });
    if (!streams) return 0;
  }
}

/** @param before the last figures, which are replaced */
async function sample(
  inv: Invocation,
  services: Services,
  before: Map<string, TaskStats>,
  machine: number,
): Promise<readonly StatsRow[]> {
  const rows: StatsRow[] = [];
  for (const container of await chosen(inv, services)) {
    const stats = await figures(inv, services, container);
    if (stats === undefined && inv.args.length === 0) {
      if (!inv.flags.boolean("all")) continue;
    }
    const usage = stats &&
      usageOf(before.get(container.id), stats, {
        machineMemoryBytes: machine,
        network: settingsOf(container)?.network === "host" ? "host" : "own",
      });
    if (stats !== undefined) before.set(container.id, stats);
    rows.push(row(inv, container, usage));
  }
  return rows;
}

async function chosen(
  inv: Invocation,
  services: Services,
): Promise<readonly Container[]> {
  if (inv.args.length === 0) {
    return await Array.fromAsync(services.containers.list(inv.ctx));
  }
  const found: Container[] = [];
  for (const name of inv.args) {
    found.push(await findContainer(inv.ctx, services, name));
  }
  return found;
}

/** One that does not run, or can't be read, has none; the others have. */
async function figures(
  { ctx }: Invocation,
  { tasks }: Services,
  { id }: Container,
): Promise<TaskStats | undefined> {
  try {
    const task = await tasks.find(ctx, { namespace: ctx.namespace, id });
    return await task?.stats(ctx);
  } catch (error) {
    ctx.log.debug("Cannot read figures of a container", { id, error });
    return undefined;
  }
}

function row(
  inv: Invocation,
  container: Container,
  usage: Usage | undefined,
): StatsRow {
  const { id } = container;
  const percent = (value = 0) => `${value.toFixed(2)}%`;
  const pair = (a = 0, b = 0) => `${humanSize(a)} / ${humanSize(b)}`;
  return {
    Container: inv.args.length === 0 ? id : containerName(container),
    Name: containerName(container),
    ID: inv.flags.boolean("no-trunc") ? id : id.slice(0, 12),
    CPUPerc: percent(usage?.cpuPercent),
    MemUsage: `${binarySize(usage?.memoryBytes)} / ${
      binarySize(usage?.memoryLimitBytes)
    }`,
    MemPerc: percent(usage?.memoryPercent),
    NetIO: pair(usage?.networkReceivedBytes, usage?.networkSentBytes),
    BlockIO: pair(usage?.blockReadBytes, usage?.blockWriteBytes),
    PIDs: String(usage?.pids ?? 0),
  };
}

const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Four digits that count, as docker's `units.BytesSize`. */
function binarySize(bytes = 0): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${BINARY_UNITS[unit]}`;
}

async function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, INTERVAL_MS);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
