/** Figures of the daemon, as Prometheus reads them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ContainersDefinition } from "../proto/gen/containerd/services/containers/v1/containers.ts";
import { NamespacesDefinition } from "../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

interface Watched extends AsyncDisposable {
  readonly daemon: Daemon;
  /** `host:port`, as the daemon's log has it. */
  readonly address: string;
  scrape(): Promise<Figures>;
}

/** @param table lines of `[metrics]` */
async function watched(...table: readonly string[]): Promise<Watched> {
  const stack = new AsyncDisposableStack();
  const config = await Deno.makeTempFile({ suffix: ".toml" });
  stack.defer(() => Deno.remove(config));
  const lines = ["version = 2", "[metrics]", ...table];
  await Deno.writeTextFile(config, `${lines.join("\n")}\n`);
  const daemon = stack.use(await openDaemon({ args: ["--config", config] }));
  const [, address = ""] =
    /Metrics are served.* address="?([\w.:[\]]+:\d+)/.exec(daemon.log()) ?? [];
  return {
    daemon,
    address,
    async scrape() {
      const answer = await fetch(`http://${address}/v1/metrics`);
      assertEquals(answer.status, 200);
      assertEquals(
        answer.headers.get("content-type"),
        "text/plain; version=0.0.4; charset=utf-8",
      );
      return new Figures(await answer.text());
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The text format, read as strictly as Prometheus does. */
class Figures {
  readonly kinds = new Map<string, string>();
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    assert(text.endsWith("\n"));
    let family = "";
    for (const line of text.slice(0, -1).split("\n")) {
      const [, name, kind] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? [];
      if (name !== undefined && kind !== undefined) {
        assert(!this.kinds.has(name), `${name} comes twice`);
        this.kinds.set(name, kind);
        family = name;
      }
      if (line.startsWith("#")) continue;
      const [, key = "", value] =
        /^(\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? [];
      assert(value !== undefined, `not a figure: ${line}`);
      assert(key.startsWith(family), `${line} is below ${family}`);
      assert(!this.#values.has(key), `${key} comes twice`);
      this.#values.set(key, value === "+Inf" ? Infinity : Number(value));
      assert(!Number.isNaN(this.#values.get(key)), line);
    }
  }

  of(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const pairs = Object.entries(labels).sort()
      .map(([label, value]) => `${label}="${value}"`);
    const key = pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
    return this.#values.get(key) ?? NaN;
  }

  names(): readonly string[] {
    return [...this.kinds.keys()];
  }
}

const VERSION = {
  grpc_service: "containerd.services.version.v1.Version",
  grpc_method: "Version",
  grpc_type: "unary",
};
const GET = {
  grpc_service: "containerd.services.containers.v1.Containers",
  grpc_method: "Get",
  grpc_type: "unary",
};

/** What containerd's has, less what is about Go and CRI. */
const AS_CONTAINERD = {
  containerd_build_info_total: "counter",
  grpc_server_handled_total: "counter",
  grpc_server_handling_seconds: "histogram",
  grpc_server_msg_received_total: "counter",
  grpc_server_msg_sent_total: "counter",
  grpc_server_started_total: "counter",
  process_cpu_seconds_total: "counter",
  process_max_fds: "gauge",
  process_open_fds: "gauge",
  process_resident_memory_bytes: "gauge",
  process_start_time_seconds: "gauge",
  process_virtual_memory_bytes: "gauge",
};

Deno.test("the daemon shows its figures by containerd's names", async () => {
  await using it = await watched(
    ...['address = "127.0.0.1:0"', "grpc_histogram = true"],
  );
  const { daemon, scrape } = it;
  const version = daemon.stub(VersionDefinition);
  for (let call = 0; call < 3; call++) await version.version({});
  await daemon.stub(ContainersDefinition)
    .get({ id: "nobody" }, { metadata: daemon.headers }).catch(() => {});
  const figures = await scrape();
  for (const [name, kind] of Object.entries(AS_CONTAINERD)) {
    assertEquals(figures.kinds.get(name), kind, name);
  }
  const ended = (call: typeof GET, grpc_code: string) =>
    figures.of("grpc_server_handled_total", { ...call, grpc_code });
  assertEquals([ended(VERSION, "OK"), ended(VERSION, "Internal")], [3, 0]);
  assertEquals([ended(GET, "OK"), ended(GET, "NotFound")], [0, 1]);
  assertEquals(figures.of("grpc_server_msg_received_total", VERSION), 3);
  assertEquals(figures.of("grpc_server_msg_sent_total", GET), 0);
  const count = "grpc_server_handling_seconds_count";
  assertEquals(figures.of(count, VERSION), 3);
  const all = { ...VERSION, le: "+Inf" };
  assertEquals(figures.of("grpc_server_handling_seconds_bucket", all), 3);
  const { revision } = await version.version({});
  const build = { version: "0.1.0", revision };
  assertEquals(figures.of("containerd_build_info_total", build), 1);
  assertEquals(figures.of("coracle_open_calls"), 0);
});

Deno.test("the daemon counts what happens, whoever does it", async () => {
  await using it = await watched('address = "127.0.0.1:0"');
  const { daemon, scrape } = it;
  const namespaces = daemon.stub(NamespacesDefinition);
  await namespaces.create({ namespace: { name: "one", labels: {} } });
  const topic = { topic: "/namespaces/create" };
  const counted = async (least: number) => {
    let count = NaN;
    for (let tries = 0; tries < 100 && !(count >= least); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      count = (await scrape()).of("coracle_events_total", topic);
    }
    return count;
  };
  assertEquals(await counted(1), 1);
  // The first one is soon after the start.
  let collections = 0;
  for (let tries = 0; tries < 200 && collections === 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collections = (await scrape()).of("coracle_gc_seconds_count");
  }
  assert(collections > 0);
  const figures = await scrape();
  assertEquals(figures.kinds.has("grpc_server_handling_seconds"), false);
});

Deno.test("the daemon shows figures on loopback unless it is told otherwise", async () => {
  await using it = await watched('address = ":0"');
  assertStringIncludes(it.address, "127.0.0.1:");
  const other = await fetch(`http://${it.address}/`);
  assertEquals([other.status, await other.text()], [
    404,
    "Metrics are at /v1/metrics\n",
  ]);
});

Deno.test("the daemon serves although its figures can't be shown", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await using it = await watched(`address = "127.0.0.1:${port}"`);
  assertEquals(it.address, "");
  await it.daemon.stub(VersionDefinition).version({});
  assertStringIncludes(it.daemon.log(), `127.0.0.1:${port}`);
});

Deno.test("the daemon says what is wrong with the address of its figures", async () => {
  await using it = await watched('address = "foo"');
  const line =
    it.daemon.log().split("\n").find((line) =>
      line.includes("observer.v1.metrics")
    ) ?? "";
  assertStringIncludes(line, String.raw`\"foo\" for \"metrics.address\"`);
  assertStringIncludes(line, String.raw`hint="Write it as \"127.0.0.1:1338\""`);
});

Deno.test({
  name: "the daemon shows what containers use",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using it = await watched('address = "127.0.0.1:0"');
    const { daemon, scrape } = it;
    const rootfs = `${daemon.dir}/rootfs`;
    await Deno.mkdir(rootfs);
    writeBusyboxRoot(rootfs);
    const script =
      "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 60";
    await daemon.expectCtr(
      ...["run", "-d", "--rootfs", rootfs, "busy", "/bin/sh", "-c", script],
    );
    try {
      const labels = {
        container_id: "busy",
        namespace: daemon.namespace,
        runtime: "io.containerd.runc.v2",
      };
      const figure = (figures: Figures, ...names: readonly string[]) =>
        Math.max(
          ...names.map((name) => figures.of(`container_${name}`, labels))
            .filter((value) => !Number.isNaN(value)),
        );
      // Of whichever version the control groups are.
      let [cpu, figures] = [0, await scrape()];
      for (let tries = 0; tries < 100 && !(cpu > 0); tries++) {
        figures = await scrape();
        cpu = figure(
          figures,
          "cpu_total_nanoseconds",
          "cpu_usage_usec_microseconds",
        );
      }
      assert(cpu > 0, figures.names().join(" "));
      const memory = ["memory_usage_usage_bytes", "memory_usage_bytes"];
      assert(figure(figures, ...memory) > 10_000);
      assert(figure(figures, "pids_current") >= 1);
      const { stdout } = await daemon.call("debug", "stack");
      assertStringIncludes(stdout, `${daemon.namespace}/busy: running`);
    } finally {
      await daemon.ctr("tasks", "kill", "-s", "9", "busy");
      await daemon.ctr("tasks", "rm", "-f", "busy");
      await daemon.ctr("containers", "rm", "busy");
    }
    const gone = await scrape();
    assertEquals(gone.kinds.has("container_pids_current"), false);
  },
});
