import { assertEquals } from "@std/assert";
import { Metrics as MetricsV1 } from "../../../proto/gen/io/containerd/cgroups/v1/metrics.ts";
import { Metrics as MetricsV2 } from "../../../proto/gen/io/containerd/cgroups/v2/metrics.ts";
import { background } from "../../base/context.ts";
import { formatFamilies } from "../../base/metrics.ts";
import { notFound } from "../../base/errors.ts";
import { figuresOf as figuresOfV1 } from "./figures_v1.ts";
import { figuresOf as figuresOfV2 } from "./figures_v2.ts";
import { taskMetrics } from "./task_metrics.ts";

/** All that containerd 1.6 shows of a container of busybox. */
const CONTAINERD_V1 = `
cpu_kernel_nanoseconds cpu_throttle_periods_total
cpu_throttled_periods_total cpu_throttled_time_nanoseconds
cpu_total_nanoseconds cpu_user_nanoseconds memory_active_anon_bytes
memory_active_file_bytes memory_cache_bytes memory_dirty_bytes
memory_hierarchical_memory_limit_bytes memory_hierarchical_memsw_limit_bytes
memory_inactive_anon_bytes memory_inactive_file_bytes
memory_kernel_failcnt_total memory_kernel_limit_bytes memory_kernel_max_bytes
memory_kernel_usage_bytes memory_kerneltcp_failcnt_total
memory_kerneltcp_limit_bytes memory_kerneltcp_max_bytes
memory_kerneltcp_usage_bytes memory_mapped_file_bytes memory_pgfault_bytes
memory_pgmajfault_bytes memory_pgpgin_bytes memory_pgpgout_bytes
memory_rss_bytes memory_rss_huge_bytes memory_swap_failcnt_total
memory_swap_limit_bytes memory_swap_max_bytes memory_swap_usage_bytes
memory_total_active_anon_bytes memory_total_active_file_bytes
memory_total_cache_bytes memory_total_dirty_bytes
memory_total_inactive_anon_bytes memory_total_inactive_file_bytes
memory_total_mapped_file_bytes memory_total_pgfault_bytes
memory_total_pgmajfault_bytes memory_total_pgpgin_bytes
memory_total_pgpgout_bytes memory_total_rss_bytes memory_total_rss_huge_bytes
memory_total_unevictable_bytes memory_total_writeback_bytes
memory_unevictable_bytes memory_usage_failcnt_total memory_usage_limit_bytes
memory_usage_max_bytes memory_usage_usage_bytes memory_writeback_bytes
per_cpu_nanoseconds pids_current pids_limit
`.trim().split(/\s+/);

const ENTRY = { limit: 1n, usage: 2n, max: 3n, failcnt: 4n };

Deno.test("figuresOf() has what containerd shows of groups of version 1", () => {
  const bytes = MetricsV1.encode(MetricsV1.fromPartial({
    pids: { current: 1n },
    cpu: { usage: { total: 2n ** 60n, perCpu: [5n] }, throttling: {} },
    memory: { usage: ENTRY, swap: ENTRY, kernel: ENTRY, kernelTcp: ENTRY },
  })).finish();
  const figures = figuresOfV1(bytes);
  assertEquals(figures.map(({ name }) => name).sort(), CONTAINERD_V1);
  const of = (name: string) => figures.find((it) => it.name === name)?.value;
  assertEquals(of("cpu_total_nanoseconds"), 2n ** 60n);
  assertEquals(of("memory_swap_usage_bytes"), 2n);
});

Deno.test("figuresOf() tells devices and page sizes apart in groups of version 1", () => {
  const device = { op: "Read", device: "/dev/vda", major: 254n, minor: 0n };
  const bytes = MetricsV1.encode(MetricsV1.fromPartial({
    hugetlb: [{ pagesize: "2MB", usage: 7n }],
    blkio: { ioServicedRecursive: [{ ...device, value: 9n }] },
    memoryOomControl: { oomKill: 1n },
  })).finish();
  assertEquals(
    figuresOfV1(bytes).filter(({ value }) => value !== 0n)
      .map(({ name, labels, value }) => [name, labels, value]),
    [
      ["memory_oom_total", undefined, 1n],
      ["hugetlb_usage_bytes", { page: "2MB" }, 7n],
      ["blkio_io_serviced_recursive_total", {
        ...{ op: "Read", device: "/dev/vda" },
        ...{ major: "254", minor: "0" },
      }, 9n],
    ],
  );
});

Deno.test("figuresOf() names figures of groups of version 2 as containerd does", () => {
  const bytes = MetricsV2.encode(MetricsV2.fromPartial({
    pids: { current: 3n },
    cpu: { usageUsec: 4n, nrThrottled: 5n },
    memory: { usage: 6n, workingsetRefault: 7n },
    memoryEvents: { oom: 8n },
    io: { usage: [{ major: 254n, minor: 1n, rbytes: 9n, wios: 10n }] },
  })).finish();
  const shown = figuresOfV2(bytes).filter(({ value }) => value !== 0n);
  assertEquals(
    shown.map(({ name, value }) => `${name} ${value}`),
    [
      ...["pids_current 3", "cpu_usage_usec_microseconds 4"],
      ...["cpu_nr_throttled_total 5", "memory_usage_bytes 6"],
      ...["memory_workingset_refault_bytes 7", "memory_oom_total 8"],
      ...["io_rbytes_bytes 9", "io_wios_total 10"],
    ],
  );
  assertEquals(shown.at(-1)?.labels, { major: "254", minor: "1" });
});

Deno.test("taskMetrics() shows tasks of all namespaces, whatever their shims tell", async () => {
  const task = (id: string, typeUrl: string) => ({
    id,
    at: new Date(),
    data: {
      typeUrl,
      value: MetricsV2.encode(MetricsV2.fromPartial({ pids: { current: 1n } }))
        .finish(),
    },
  });
  const tasks: Readonly<Record<string, ReturnType<typeof task>[]>> = {
    a: [
      task("x", "io.containerd.cgroups.v2.Metrics"),
      task("vm", "something.else"),
    ],
    b: [task("x", "type.googleapis.com/io.containerd.cgroups.v2.Metrics")],
  };
  const families = await taskMetrics(background(), {
    namespaces: {
      async *list() {
        for (const name of ["a", "b"]) {
          yield await Promise.resolve({ name, labels: {} });
        }
      },
    },
    containers: { get: (_, id) => Promise.reject(notFound("container", id)) },
    tasks: {
      async *metrics({ namespace }) {
        yield* await Promise.resolve(tasks[namespace] ?? []);
      },
    },
  });
  assertEquals(formatFamilies(families).split("\n"), [
    "# HELP container_pids_current pids current of the container",
    "# TYPE container_pids_current gauge",
    'container_pids_current{container_id="x",namespace="a",runtime=""} 1',
    'container_pids_current{container_id="x",namespace="b",runtime=""} 1',
    "# HELP container_pids_limit pids limit of the container",
    "# TYPE container_pids_limit gauge",
    'container_pids_limit{container_id="x",namespace="a",runtime=""} 0',
    'container_pids_limit{container_id="x",namespace="b",runtime=""} 0',
    "",
  ]);
});
