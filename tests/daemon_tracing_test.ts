/** Traces of the daemon, as a collector gets them. */

import { assert, assertEquals } from "@std/assert";
import { ContainersDefinition } from "../proto/gen/containerd/services/containers/v1/containers.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { hostPlatform } from "../src/base/platform.ts";
import { isRoot, makeImage, upload } from "./pull_support.ts";
import { openDaemon } from "./support/daemon.ts";
import { rawTar } from "./support/raw_tar.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { imageStore, registry, transfer } from "./support/transfer_client.ts";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The part of OTLP that is looked at. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Received {
  readonly resource: readonly Attribute[];
  readonly spans: Span[];
  readonly paths: Set<string>;
}

/** What a collector does, so far as we can tell. */
function collector() {
  const received: Received = { resource: [], spans: [], paths: new Set() };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      received.paths.add(new URL(request.url).pathname);
      const [{ resource, scopeSpans }] = (await request.json()).resourceSpans;
      Object.assign(received, { resource: resource.attributes });
      received.spans.push(...scopeSpans.flatMap(
        ({ spans }: { spans: Span[] }) => spans,
      ));
      return Response.json({});
    },
  );
  return {
    ...received,
    received,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_SERVICE_NAME: "under-test",
      OTEL_RESOURCE_ATTRIBUTES: "zone=here",
    },
    async until(name: string): Promise<Span> {
      for (let tries = 0; tries < 200; tries++) {
        const found = received.spans.find((it) => it.name.endsWith(name));
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      const names = received.spans.map((it) => it.name);
      throw new Error(`no span "${name}" came, only ${names.join(" ")}`);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

Deno.test("the daemon sends a span for each call, in its caller's trace", async () => {
  await using there = collector();
  await using daemon = await openDaemon({ env: there.env });
  const version = daemon.stub(VersionDefinition);
  const before = BigInt(Date.now()) * 1_000_000n;
  await version.version({}, {
    metadata: {
      ...daemon.headers,
      traceparent: `00-${TRACE}-${CALLER}-01`,
      "x-request-id": "mine",
    },
  });
  const span = await there.until("Version/Version");
  assertEquals([span.traceId, span.parentSpanId], [TRACE, CALLER]);
  assertEquals([span.kind, span.status], [2, {}]);
  assertEquals(plain(span.attributes), {
    "rpc.system": "grpc",
    "rpc.service": "containerd.services.version.v1.Version",
    "rpc.method": "Version",
    "rpc.grpc.status_code": "0",
    "containerd.namespace": daemon.namespace,
    "coracle.request": "mine",
  });
  const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano];
  const slack = 50_000_000n;
  assert(before - slack <= BigInt(start) && BigInt(start) < BigInt(end));
  assert(BigInt(end) <= BigInt(Date.now()) * 1_000_000n + slack);
  const resource = plain(there.received.resource);
  assertEquals(resource["service.name"], "under-test");
  assertEquals(resource["zone"], "here");
  assertEquals(resource["process.pid"], String(daemon.pid));
  assertEquals([...there.paths], ["/v1/traces"]);
});

Deno.test("the daemon names the trace in its log, and sends what is left when it stops", async () => {
  await using there = collector();
  await using daemon = await openDaemon({
    env: { ...there.env, OTEL_BSP_SCHEDULE_DELAY: "600000" },
    args: ["--log-level", "debug"],
  });
  const containers = daemon.stub(ContainersDefinition);
  const metadata = { ...daemon.headers, "x-request-id": "r7" };
  await containers.get({ id: "nobody" }, { metadata }).catch(() => {});
  assertEquals(await daemon.stop("SIGTERM"), 0);
  const span = await there.until("Containers/Get");
  assertEquals(plain(span.attributes)["rpc.grpc.status_code"], "5");
  // The caller is to blame.
  assertEquals(span.status, {});
  const line = daemon.log().split("\n").find((it) =>
    it.includes("A call fail")
  );
  assert(line?.includes("request=r7"), daemon.log());
  assert(line?.includes("status=NotFound"), line);
  assert(line?.includes(`trace=${span.traceId}`), line);
});

Deno.test("the daemon sends nothing of traces that their callers don't keep", async () => {
  await using there = collector();
  await using daemon = await openDaemon({ env: there.env });
  const version = daemon.stub(VersionDefinition);
  const metadata = { traceparent: `00-${TRACE}-${CALLER}-00` };
  await version.version({}, { metadata });
  await version.version({});
  const span = await there.until("Version/Version");
  assert(span.traceId !== TRACE);
  assertEquals(await daemon.stop("SIGTERM"), 0);
  const calls = there.spans.filter(({ name }) => name.endsWith("/Version"));
  assertEquals(calls.length, 1);
});

Deno.test("the daemon serves while no collector is there, and says so once", async () => {
  await using daemon = await openDaemon({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
      OTEL_BSP_SCHEDULE_DELAY: "20",
    },
  });
  const version = daemon.stub(VersionDefinition);
  for (let call = 0; call < 3; call++) {
    await version.version({});
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  const begin = performance.now();
  assertEquals(await daemon.stop("SIGTERM"), 0);
  assert(performance.now() - begin < 10_000);
  assertEquals(daemon.log().match(/Cannot send traces/g)?.length, 1);
});

Deno.test("the daemon's log in JSON says which request each failure is of, and no secrets", async () => {
  await using daemon = await openDaemon({
    args: ["--log-level", "debug", "--log-format", "json"],
  });
  const containers = daemon.stub(ContainersDefinition);
  const id = "https://me:secret@host/";
  await containers.get({ id }, { metadata: daemon.headers }).catch(() => {});
  await containers.get({ id: "x" }, {
    metadata: { ...daemon.headers, "x-request-id": "one two" },
  }).catch(() => {});
  const lines = daemon.log().trim().split("\n").map((it) => JSON.parse(it));
  const failures = lines.filter(({ msg }) => msg === "A call failed");
  assertEquals(failures.length, 2, daemon.log());
  const ids = failures.map(({ request }) => request);
  assert(ids.every((it) => /^[0-9a-f]{8}-[0-9a-z]+$/.test(it)), ids.join(" "));
  assert(ids[0] !== ids[1]);
  for (const { time, level, namespace, status } of failures) {
    assert(Math.abs(Date.parse(time) - Date.now()) < 60_000);
    assertEquals([level, namespace], ["debug", daemon.namespace]);
    assert(["InvalidArgument", "NotFound"].includes(status), status);
  }
  assertEquals(daemon.log().includes("secret"), false, daemon.log());
});

Deno.test({
  name: "the daemon's trace of a pull has its layers within it",
  ignore: !isRoot || !hasRegistry(),
  fn: async () => {
    await using there = collector();
    await using daemon = await openDaemon({ env: there.env });
    await using hub = await startRegistry();
    const layers = ["a", "b"].map((name) => ({
      tar: rawTar({ name, data: name }),
    }));
    await upload(await makeImage(layers), hub.host, "team/app");
    const name = `${hub.host}/team/app:latest`;
    const { os, architecture } = hostPlatform(Deno.build);
    const platform = { os, architecture };
    await transfer(
      daemon,
      registry({ reference: name }),
      imageStore({ name, unpacks: [{ platform, snapshotter: "" }] }),
    );
    const call = await there.until("Transfer/Transfer");
    const named = (name: string) =>
      there.spans.filter((it) => it.name === name);
    const [pull] = named("pull");
    assertEquals(pull?.traceId, call.traceId);
    assertEquals(pull?.parentSpanId, call.spanId);
    assertEquals(plain(pull?.attributes ?? [])["image"], name);
    const [unpack] = named("unpack");
    assertEquals(unpack?.parentSpanId, pull?.spanId);
    const parents = named("layer").map((it) => it.parentSpanId);
    assertEquals(parents, [unpack?.spanId, unpack?.spanId]);
  },
});

Deno.test("the daemon says which variables of traces make no sense", async () => {
  await using there = collector();
  const wrong = {
    OTEL_TRACES_SAMPLER: "zz",
    OTEL_TRACES_SAMPLER_ARG: "7",
    OTEL_EXPORTER_OTLP_TIMEOUT: "abc",
    OTEL_EXPORTER_OTLP_COMPRESSION: "zst",
    OTEL_BSP_SCHEDULE_DELAY: "-4",
  };
  const secret = { OTEL_EXPORTER_OTLP_HEADERS: "nonsense" };
  const env = { ...there.env, ...wrong, ...secret };
  await using daemon = await openDaemon({ env });
  const told = daemon.log().split("\n").filter((line) =>
    line.includes("level=warn")
  );
  for (const [variable, value] of Object.entries(wrong)) {
    const fields = ` variable=${variable} value=${value} `;
    assert(told.some((line) => line.includes(fields)), `${variable}: ${told}`);
  }
  const headers = " variable=OTEL_EXPORTER_OTLP_HEADERS expected=";
  assert(told.some((line) => line.includes(headers)), `${told}`);
  assert(!daemon.log().includes("nonsense"));
});
