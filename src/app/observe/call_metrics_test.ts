import { assertEquals } from "@std/assert";
import { Metrics } from "../../base/metrics.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import { callMetrics } from "./call_metrics.ts";

const CALL: GrpcCall = {
  path: "/a.B/Get",
  deadline: undefined,
  metadata: new Map(),
  signal: new AbortController().signal,
  trailers: new Map(),
  sendHeaders: () => {},
};

Deno.test("callMetrics() counts calls as go-grpc-prometheus does", async () => {
  const metrics = new Metrics();
  let now = 1_000;
  const observer = callMetrics({
    metrics,
    durations: "histogram",
    now: () => now,
  });
  const get = observer.method({
    service: "a.B",
    method: "Get",
    type: "unary",
  });
  for (const status of [0, 0, 5]) {
    const watch = get(CALL);
    watch.received?.();
    now += 40;
    if (status === 0) watch.sent?.(1);
    watch.ended({ status, fields: {} });
  }
  const lines = (await metrics.render(() => {})).split("\n");
  const labels = `grpc_method="Get",grpc_service="a.B",grpc_type="unary"`;
  const values = lines.filter((it) => /[1-9]$/.test(it) && !it.includes("le="));
  assertEquals(values, [
    `grpc_server_handled_total{grpc_code="OK",${labels}} 2`,
    `grpc_server_handled_total{grpc_code="NotFound",${labels}} 1`,
    `grpc_server_handling_seconds_sum{${labels}} 0.12`,
    `grpc_server_handling_seconds_count{${labels}} 3`,
    `grpc_server_msg_received_total{${labels}} 3`,
    `grpc_server_msg_sent_total{${labels}} 2`,
    `grpc_server_started_total{${labels}} 3`,
  ]);
  assertEquals(
    lines.filter((it) => it.startsWith("grpc_server_handled_total")).length,
    17,
  );
});

Deno.test("callMetrics() has no histogram unless it is asked for", async () => {
  const metrics = new Metrics();
  const now = () => 0;
  callMetrics({ metrics, durations: "none", now })
    .method({ service: "a.B", method: "Get", type: "unary" })(CALL);
  const text = await metrics.render(() => {});
  assertEquals(text.includes("handling_seconds"), false);
});
