import { assert, assertEquals, assertThrows, fail } from "@std/assert";
import { EngineError } from "../../../base/errors.ts";
import { parseSampler } from "./sampler.ts";
import {
  isTracingWanted,
  type TraceSettings,
  traceSettings,
} from "./settings.ts";
import { type IgnoredVariable, parsePairs } from "./variables.ts";

type Variables = Readonly<Record<string, string>>;

function env(variables: Variables): (name: string) => string | undefined {
  return (name) => variables[`OTEL_${name.replace(/^OTEL_/, "")}`];
}

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://[::1]:4318/x/" };

const DEFAULTS: Omit<TraceSettings, "endpoint" | "sampler"> = {
  ...{ protocol: "http/protobuf", headers: {}, compression: "none" },
  ...{ timeoutMs: 10_000, delayMs: 5_000, mostQueued: 2_048, mostSent: 512 },
  resource: { "service.name": "coracle" },
};

Deno.test("isTracingWanted() holds when a collector is named and nothing forbids it", () => {
  const wanted = (variables: Variables) => isTracingWanted(env(variables));
  assertEquals(wanted({}), false);
  assertEquals(wanted({ OTEL_SERVICE_NAME: "x" }), false);
  assertEquals(wanted(COLLECTOR), true);
  assertEquals(wanted({ ...COLLECTOR, OTEL_SDK_DISABLED: "TRUE" }), false);
  assertEquals(wanted({ ...COLLECTOR, OTEL_TRACES_EXPORTER: "none" }), false);
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t.example/in" };
  assertEquals(wanted(own), true);
});

Deno.test("traceSettings() fills in what the specification says", () => {
  const { sampler, endpoint, ...settings } = traceSettings(
    env(COLLECTOR),
    ({ variable }) => fail(variable),
  );
  assertEquals(endpoint.href, "http://[::1]:4318/x/v1/traces");
  assertEquals(sampler("0".repeat(32), undefined), true);
  assertEquals(settings, DEFAULTS);
});

Deno.test("traceSettings() prefers the variables of traces", () => {
  const ignored: string[] = [];
  const variables = env({
    ...COLLECTOR,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example/in?tenant=1",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b, x-other = c=d ,nonsense",
    OTEL_EXPORTER_OTLP_TIMEOUT: "250",
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
    OTEL_BSP_SCHEDULE_DELAY: "-1",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=lost,zone=eu%2C1",
    OTEL_SERVICE_NAME: "won",
  });
  const { sampler: _, endpoint, ...settings } = traceSettings(
    variables,
    ({ variable }) => ignored.push(variable),
  );
  assertEquals(ignored, [
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_BSP_SCHEDULE_DELAY",
  ]);
  assertEquals(endpoint.href, "https://traces.example/in?tenant=1");
  assertEquals(settings, {
    ...{ protocol: "http/json", compression: "gzip", timeoutMs: 250 },
    headers: { "x-key": "a b", "x-other": "c=d" },
    ...{ delayMs: 5_000, mostQueued: 2_048, mostSent: 512 },
    certificate: "/ca.pem",
    resource: { "service.name": "won", zone: "eu,1" },
  });
});

Deno.test("traceSettings() says what to do about what we can't do", () => {
  const codeOf = (variables: Variables) => {
    const read = () =>
      traceSettings(env({ ...COLLECTOR, ...variables }), () => {});
    const { code, hint } = assertThrows(read, EngineError);
    return [code, hint !== undefined];
  };
  const protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
  assertEquals(codeOf({ [protocol]: "grpc" }), ["unimplemented", true]);
  assertEquals(codeOf({ [protocol]: "udp" }), ["invalidArgument", true]);
  const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
  for (const address of ["localhost:4318", "ftp://x", "x"]) {
    assertEquals(codeOf({ [endpoint]: address }), ["invalidArgument", false]);
  }
});

Deno.test("traceSettings() tells what makes no sense, and takes the default", () => {
  const wrong = {
    OTEL_TRACES_SAMPLER: "zz",
    OTEL_TRACES_SAMPLER_ARG: "7",
    OTEL_EXPORTER_OTLP_TIMEOUT: "abc",
    OTEL_EXPORTER_OTLP_COMPRESSION: "zst",
    OTEL_BSP_SCHEDULE_DELAY: "-4",
    OTEL_BSP_MAX_QUEUE_SIZE: "1.5",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "0",
    OTEL_RESOURCE_ATTRIBUTES: "zone",
  };
  const secret = { OTEL_EXPORTER_OTLP_TRACES_HEADERS: "nonsense" };
  const ignored: IgnoredVariable[] = [];
  const { sampler, endpoint: _, ...settings } = traceSettings(
    env({ ...COLLECTOR, ...wrong, ...secret }),
    (it) => ignored.push(it),
  );
  assertEquals(
    Object.fromEntries(ignored.map(({ variable, value }) => [variable, value])),
    { ...wrong, OTEL_EXPORTER_OTLP_TRACES_HEADERS: undefined },
  );
  assert(!JSON.stringify(ignored).includes("nonsense"));
  assertEquals(sampler("f".repeat(32), undefined), true);
  assertEquals(settings, DEFAULTS);
});

Deno.test("parsePairs() leaves what can't be decoded as it is", () => {
  assertEquals(parsePairs("a=%zz,=b,c=,d"), { a: "%zz", c: "" });
});

Deno.test("parseSampler() follows callers where it is to, and ratios elsewhere", () => {
  const low = "0".repeat(31) + "1";
  const high = "f".repeat(32);
  const kept = { traceId: low, spanId: "1", isSampled: true };
  const dropped = { ...kept, isSampled: false };
  const table: readonly [string | undefined, string | undefined, string][] = [
    // low and high without a parent; low under a kept and a dropped one
    [undefined, undefined, "yes yes yes no"],
    ["always_on", undefined, "yes yes yes yes"],
    ["always_off", undefined, "no no no no"],
    ["parentbased_always_off", undefined, "no no yes no"],
    ["traceidratio", "0.5", "yes no yes yes"],
    ["traceidratio", "0", "no no no no"],
    ["traceidratio", "1", "yes yes yes yes"],
    ["traceidratio", "2", "yes yes yes yes"],
    ["parentbased_traceidratio", "0.5", "yes no yes no"],
    ["nonsense", "0.5", "yes yes yes no"],
  ];
  for (const [name, argument, expected] of table) {
    const sample = parseSampler(name, argument);
    const found = [
      sample(low, undefined),
      sample(high, undefined),
      sample(low, kept),
      sample(low, dropped),
    ];
    const words = found.map((it) => it ? "yes" : "no").join(" ");
    assertEquals(words, expected, `${name} ${argument}`);
  }
});
