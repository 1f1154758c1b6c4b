import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../../base/log.ts";
import { Exporter } from "./exporter.ts";
import { traceSettings } from "./settings.ts";
import type { SpanRecord } from "./tracer.ts";
import type { Environment } from "./variables.ts";

/** A collector that answers with what it is told, in turn. */
function collector(...statuses: readonly number[]) {
  const requests: { headers: Headers; names: string[] }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { headers } = request;
      const body = headers.get("content-encoding") === "gzip"
        ? request.body?.pipeThrough(new DecompressionStream("gzip"))
        : request.body;
      const json = await new Response(body ?? null).json();
      const spans = json.resourceSpans[0].scopeSpans[0].spans;
      const names = spans.map(({ name }: { name: string }) => name);
      requests.push({ headers, names });
      return new Response("{}", {
        status: statuses[requests.length - 1] ?? 200,
      });
    },
  );
  const at = `http://127.0.0.1:${server.addr.port}`;
  return {
    requests,
    at,
    names: () => requests.map((it) => it.names.join(" ")),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function exporter(at: string, more: Readonly<Record<string, string>> = {}) {
  const variables: Readonly<Record<string, string>> = {
    OTEL_EXPORTER_OTLP_ENDPOINT: at,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    ...more,
  };
  const env: Environment = (name) => variables[name];
  const said: string[] = [];
  const log = createLogger({
    level: "trace",
    sink: ({ message, fields }) =>
      said.push(`${message} ${fields["error"]} ${fields["lostSpans"]}`),
  });
  const made = new Exporter({ settings: traceSettings(env, () => {}), log });
  const add = (...names: readonly string[]) => {
    for (const name of names) made.add(span(name));
  };
  return {
    add,
    said,
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

function span(name: string): SpanRecord {
  return {
    context: {
      traceId: "1".repeat(32),
      spanId: "2".repeat(16),
      isSampled: true,
    },
    ...{ name, kind: 1, startNs: 1n, endNs: 2n, attributes: new Map() },
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 500, `it never held: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("Exporter sends what came within its delay together, packed, with headers", async () => {
  await using there = collector();
  await using here = exporter(there.at, {
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=me",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  });
  here.add("a", "b");
  await until(() => there.requests.length === 1);
  here.add("c");
  await until(() => there.requests.length === 2);
  assertEquals(there.names(), ["a b", "c"]);
  const headers = there.requests[0]?.headers;
  assertEquals(headers?.get("x-tenant"), "me");
  assertEquals(headers?.get("content-type"), "application/json");
});

Deno.test("Exporter sends what is left when it is closed", async () => {
  await using there = collector();
  {
    await using here = exporter(there.at, {
      OTEL_BSP_SCHEDULE_DELAY: "600000",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2",
    });
    here.add("a");
    here.add("b", "c");
  }
  assertEquals(there.names(), ["a b", "c"]);
});

Deno.test("Exporter tries again when the collector is busy", async () => {
  await using there = collector(503, 200);
  await using here = exporter(there.at);
  here.add("a");
  await until(() => there.requests.length === 2);
  assertEquals(there.names(), ["a", "a"]);
  assertEquals(here.said, []);
});

Deno.test("Exporter drops what is refused, and says so once", async () => {
  await using there = collector(400, 400, 200);
  await using here = exporter(there.at);
  for (const name of ["a", "b", "c"]) {
    const before = there.requests.length;
    here.add(name);
    await until(() => there.requests.length > before);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assertEquals(there.names(), ["a", "b", "c"]);
  assertEquals(here.said, [
    "Cannot send traces Error: the collector answers 400 1",
  ]);
});

Deno.test("Exporter keeps no more than it may while nobody takes it", async () => {
  await using here = exporter("http://127.0.0.1:1", {
    OTEL_BSP_SCHEDULE_DELAY: "600000",
    OTEL_BSP_MAX_QUEUE_SIZE: "3",
  });
  here.add(..."abcdefgh");
  await here[Symbol.asyncDispose]();
  assertEquals(here.said.length, 1);
  assert(here.said[0]?.endsWith(" 8"), here.said[0]);
});
