import { assertEquals, assertThrows } from "@std/assert";
import { Metrics as MetricsV1 } from "../../../proto/gen/io/containerd/cgroups/v1/metrics.ts";
import { Metrics as MetricsV2 } from "../../../proto/gen/io/containerd/cgroups/v2/metrics.ts";
import { EngineError } from "../../base/errors.ts";
import { decodeFigures } from "./cgroup_figures.ts";

const UNLIMITED_V1 = 9_223_372_036_854_771_712n;
const UNLIMITED_V2 = 18_446_744_073_709_551_615n;

Deno.test("decodeFigures() reads version 1", () => {
  const metrics = MetricsV1.fromPartial({
    cpu: {
      usage: { total: 30n, user: 20n, kernel: 10n },
      throttling: { throttledPeriods: 4n },
    },
    memory: {
      usage: { usage: 100n, limit: UNLIMITED_V1 },
      totalInactiveFile: 7n,
    },
    pids: { current: 3n, limit: 50n },
    blkio: {
      ioServiceBytesRecursive: [
        { op: "Read", value: 1n },
        { op: "Read", value: 2n },
        { op: "Write", value: 4n },
        { op: "Total", value: 7n },
      ],
    },
  });
  const value = MetricsV1.encode(metrics).finish();
  assertEquals(
    decodeFigures({ typeUrl: "io.containerd.cgroups.v1.Metrics", value }),
    {
      cpuNs: 30n,
      cpuUserNs: 20n,
      cpuSystemNs: 10n,
      throttledPeriods: 4,
      memoryBytes: 100,
      memoryInactiveFileBytes: 7,
      pids: 3,
      pidsLimit: 50,
      blockReadBytes: 3,
      blockWriteBytes: 4,
    },
  );
});

Deno.test("decodeFigures() reads version 2, with any prefix of its name", () => {
  const metrics = MetricsV2.fromPartial({
    cpu: { usageUsec: 3n, userUsec: 2n, systemUsec: 1n, nrThrottled: 4n },
    memory: { usage: 100n, usageLimit: 1000n, inactiveFile: 7n },
    pids: { current: 3n, limit: UNLIMITED_V2 },
    io: { usage: [{ rbytes: 1n, wbytes: 2n }, { rbytes: 3n, wbytes: 4n }] },
  });
  const value = MetricsV2.encode(metrics).finish();
  const typeUrl = "type.googleapis.com/io.containerd.cgroups.v2.Metrics";
  assertEquals(decodeFigures({ typeUrl, value }), {
    cpuNs: 3000n,
    cpuUserNs: 2000n,
    cpuSystemNs: 1000n,
    throttledPeriods: 4,
    memoryBytes: 100,
    memoryInactiveFileBytes: 7,
    memoryLimitBytes: 1000,
    pids: 3,
    blockReadBytes: 4,
    blockWriteBytes: 6,
  });
});

Deno.test("decodeFigures() refuses other figures", () => {
  assertThrows(
    () => decodeFigures({ typeUrl: "other.Stats", value: new Uint8Array() }),
    EngineError,
    'type "other.Stats"',
  );
});
