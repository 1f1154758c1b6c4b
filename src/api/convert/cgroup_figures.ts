/** From the figures of a shim's control groups to those of a task. */

import { Metrics as MetricsV1 } from "../../../proto/gen/io/containerd/cgroups/v1/metrics.ts";
import { Metrics as MetricsV2 } from "../../../proto/gen/io/containerd/cgroups/v2/metrics.ts";
import { EngineError } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import type { TaskStats } from "../../core/task.ts";

/** Those of the network are not among them. */
export type CgroupFigures = Omit<
  TaskStats,
  "at" | "networkReceivedBytes" | "networkSentBytes"
>;

/** The kernel says "no limit" with more than any machine has. */
const NO_LIMIT = 1n << 60n;

/**
 * @param metrics `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`
 * @throws {EngineError} `unimplemented` for figures of another kind
 */
export function decodeFigures({ typeUrl, value }: TypedValue): CgroupFigures {
  const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  if (name === "io.containerd.cgroups.v1.Metrics") {
    return figuresV1(MetricsV1.decode(value));
  }
  if (name === "io.containerd.cgroups.v2.Metrics") {
    return figuresV2(MetricsV2.decode(value));
  }
  throw new EngineError(
    "unimplemented",
    `Cannot read figures of type "${typeUrl}"`,
  );
}

function figuresV1({ cpu, memory, pids, blkio }: MetricsV1): CgroupFigures {
  const transferred = (direction: "read" | "write") =>
    (blkio?.ioServiceBytesRecursive ?? [])
      .filter(({ op }) => op.toLowerCase() === direction)
      .reduce((sum, { value }) => sum + Number(value), 0);
  return {
    cpuNs: cpu?.usage?.total ?? 0n,
    cpuUserNs: cpu?.usage?.user ?? 0n,
    cpuSystemNs: cpu?.usage?.kernel ?? 0n,
    throttledPeriods: Number(cpu?.throttling?.throttledPeriods ?? 0n),
    memoryBytes: Number(memory?.usage?.usage ?? 0n),
    memoryInactiveFileBytes: Number(memory?.totalInactiveFile ?? 0n),
    ...limit("memoryLimitBytes", memory?.usage?.limit),
    pids: Number(pids?.current ?? 0n),
    ...limit("pidsLimit", pids?.limit),
    blockReadBytes: transferred("read"),
    blockWriteBytes: transferred("write"),
  };
}

const NS_PER_US = 1000n;

function figuresV2({ cpu, memory, pids, io }: MetricsV2): CgroupFigures {
  const sum = (values: readonly bigint[]) =>
    values.reduce((total, value) => total + Number(value), 0);
  const devices = io?.usage ?? [];
  return {
    cpuNs: (cpu?.usageUsec ?? 0n) * NS_PER_US,
    cpuUserNs: (cpu?.userUsec ?? 0n) * NS_PER_US,
    cpuSystemNs: (cpu?.systemUsec ?? 0n) * NS_PER_US,
    throttledPeriods: Number(cpu?.nrThrottled ?? 0n),
    memoryBytes: Number(memory?.usage ?? 0n),
    memoryInactiveFileBytes: Number(memory?.inactiveFile ?? 0n),
    ...limit("memoryLimitBytes", memory?.usageLimit),
    pids: Number(pids?.current ?? 0n),
    ...limit("pidsLimit", pids?.limit),
    blockReadBytes: sum(devices.map(({ rbytes }) => rbytes)),
    blockWriteBytes: sum(devices.map(({ wbytes }) => wbytes)),
  };
}

/** Zero means none, too. */
function limit<Name extends "memoryLimitBytes" | "pidsLimit">(
  name: Name,
  value: bigint | undefined,
): { readonly [key in Name]?: number } {
  return value === undefined || value === 0n || value >= NO_LIMIT
    ? {}
    : { [name]: Number(value) } as { readonly [key in Name]: number };
}
