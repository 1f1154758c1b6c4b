import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { EngineError, internal, notFound } from "../../base/errors.ts";
import { createLogger, type LogEntry } from "../../base/log.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import { callLog, requestIds } from "./call_log.ts";
import { OpenCalls } from "./open_calls.ts";

function call(headers: Readonly<Record<string, string>> = {}): GrpcCall {
  return {
    path: "/a.B/Get",
    deadline: undefined,
    metadata: new Map(Object.entries(headers)),
    signal: new AbortController().signal,
    trailers: new Map(),
    sendHeaders: () => {},
  };
}

function rig() {
  const entries: LogEntry[] = [];
  const log = createLogger({ level: "trace", sink: (it) => entries.push(it) });
  let now = 0;
  const observer = callLog({ log, now: () => now += 7, newId: () => "new" });
  const method = observer.method({
    service: "a.B",
    method: "Get",
    type: "unary",
  });
  return { entries, method };
}

Deno.test("callLog() takes the caller's request id if it is one", () => {
  const { method } = rig();
  const idOf = (id: string) => method(call({ "x-request-id": id })).fields;
  assertEquals(idOf("3f/a.B:1"), { request: "3f/a.B:1" });
  for (const bad of ["", "a b", 'a"', "a\nlevel=info", "x".repeat(129)]) {
    assertEquals(idOf(bad), { request: "new" }, bad);
  }
  assertEquals(method(call()).fields, { request: "new" });
});

Deno.test("callLog() tells failures of callers for those who debug", () => {
  const { entries, method } = rig();
  method(call()).ended({ status: 0, fields: {} });
  const error = notFound("container", "x");
  method(call({ "containerd-namespace": "k8s.io" })).ended({
    status: 5,
    error,
    fields: { request: "new" },
  });
  assertEquals(
    entries.map(({ level, message, fields }) => [level, message, fields]),
    [
      ["debug", "A call failed", {
        request: "new",
        method: "a.B/Get",
        namespace: "k8s.io",
        status: "NotFound",
        ms: 7,
        error,
      }],
    ],
  );
});

Deno.test("callLog() tells what the host lacks to whoever looks after it", () => {
  const { entries, method } = rig();
  const error = new EngineError("resourceExhausted", "the disk is full");
  method(call()).ended({ status: 8, error, fields: {} });
  assertEquals(
    entries.map(({ level, fields }) => [level, fields["stack"]]),
    [["warn", undefined]],
  );
});

Deno.test("callLog() tells failures of ours with the stacks of all causes", () => {
  const { entries, method } = rig();
  const cause = new TypeError("no such thing");
  method(call()).ended({
    status: 13,
    error: internal("Cannot go on", { cause }),
    fields: {},
  });
  method(call()).ended({ status: 2, error: cause, fields: {} });
  method(call()).ended({ status: 2, error: "thrown as a text", fields: {} });
  assertEquals(entries.map(({ level }) => level), ["error", "error", "error"]);
  const [first, , third] = entries.map(({ fields }) => String(fields["stack"]));
  assertMatch(
    first ?? "",
    /^EngineError: Cannot go on\n.*\ncaused by TypeError: no such thing\n/s,
  );
  assertEquals(third, "thrown as a text");
});

Deno.test("requestIds() never gives the same twice", () => {
  const [one, other] = [requestIds(), requestIds()];
  assertEquals(new Set([one(), one(), one(), other()]).size, 4);
  assertNotEquals(one().split("-")[0], other().split("-")[0]);
});

Deno.test("OpenCalls.list() has calls from their beginning to their end", () => {
  let now = 5;
  const calls = new OpenCalls(() => now++);
  const begin = calls.method();
  const first = begin({
    ...call({ "containerd-namespace": "a" }),
    fields: { request: "r" },
  });
  const abort = new AbortController();
  const second = begin({ ...call(), signal: abort.signal });
  first.received?.();
  first.sent?.(2);
  abort.abort();
  assertEquals(calls.list(), [
    {
      ...{ path: "/a.B/Get", namespace: "a", request: "r", startedAt: 5 },
      ...{ state: "open", received: 1, sent: 2 },
    },
    {
      ...{ path: "/a.B/Get", namespace: "", request: "", startedAt: 6 },
      ...{ state: "left", received: 0, sent: 0 },
    },
  ]);
  first.ended({ status: 0, fields: {} });
  second.ended({ status: 1, fields: {} });
  assertEquals(calls.list(), []);
});
