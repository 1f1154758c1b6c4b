import { assertEquals } from "@std/assert";
import { EngineError, internal } from "../../base/errors.ts";
import { GrpcClient } from "./client.ts";
import type { GrpcCall } from "./method.ts";
import { type CallObserver, observed } from "./observe.ts";
import { serveGrpc } from "./server.ts";
import { grpcService } from "./service.ts";
import {
  all,
  any,
  type Echo,
  EchoDefinition,
  failure,
  forever,
  NO_HANDLERS,
  stubOf,
  until,
} from "./testing.ts";

/** Serves with what writes down what it hears. */
async function watchedRig(handlers: Partial<Echo>) {
  const stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-observe-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const heard: string[] = [];
  const observer: CallObserver = {
    method: ({ service, method, type }) => () => {
      const say = (what: string) => heard.push(`${method} ${what}`);
      say(`begins ${service} ${type}`);
      return {
        fields: { request: "r1" },
        received: () => say("received"),
        sent: (messages) => say(`sent ${messages}`),
        ended: ({ status, error }) =>
          say(`ended ${status} ${error instanceof Error ? error.message : ""}`),
      };
    },
  };
  const tracer: CallObserver = {
    method: () => ({ fields }) => ({
      fields: { trace: `of ${fields?.["request"]}` },
      ended: () => {},
    }),
  };
  const service = grpcService(EchoDefinition, { ...NO_HANDLERS, ...handlers });
  const path = `${dir}/s`;
  stack.use(
    await serveGrpc({
      addresses: [{ path, mode: 0o600 }],
      services: observed([service], [observer, tracer]),
    }),
  );
  const echo = stubOf(stack.use(new GrpcClient({ path })));
  return { heard, echo, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const NAME = EchoDefinition.fullName;

Deno.test("observed() tells of unary calls, well and failed, and what their handlers know", async () => {
  const calls: GrpcCall[] = [];
  await using rig = await watchedRig({
    once: (call, value) => {
      calls.push(call);
      if (value.typeUrl === "bad") throw internal("broken");
      return Promise.resolve(value);
    },
  });
  await rig.echo.once(any("good"));
  assertEquals((await failure(rig.echo.once(any("bad")))).message, "broken");
  assertEquals(calls.map(({ fields }) => fields), [
    { request: "r1", trace: "of r1" },
    { request: "r1", trace: "of r1" },
  ]);
  assertEquals(rig.heard, [
    `Once begins ${NAME} unary`,
    "Once received",
    "Once sent 1",
    "Once ended 0 ",
    `Once begins ${NAME} unary`,
    "Once received",
    "Once ended 13 broken",
  ]);
});

Deno.test("observed() tells of each message of streams", async () => {
  await using rig = await watchedRig({
    async *converse(_call, values) {
      for await (const value of values) yield [value, value];
    },
    async gather(_call, values) {
      const found = await all(values);
      return any(String(found.length));
    },
  });
  async function* two() {
    yield await Promise.resolve(any("a"));
    yield any("b");
  }
  assertEquals((await all(rig.echo.converse(two()))).length, 4);
  assertEquals((await rig.echo.gather(two())).typeUrl, "2");
  assertEquals(
    rig.heard,
    [
      `Converse begins ${NAME} bidi_stream`,
      ...["Converse received", "Converse sent 2"],
      ...["Converse received", "Converse sent 2"],
      "Converse ended 0 ",
      `Gather begins ${NAME} client_stream`,
      ...["Gather received", "Gather received", "Gather sent 1"],
      "Gather ended 0 ",
    ],
  );
});

Deno.test("observed() says cancelled of a stream whose caller has gone", async () => {
  await using rig = await watchedRig({ repeat: (_, it) => forever(it) });
  for await (const _ of rig.echo.repeat(any("x"))) break;
  await until(() => rig.heard.some((it) => it.startsWith("Repeat ended")));
  assertEquals(rig.heard.at(-1), "Repeat ended 1 The caller has gone");
});

Deno.test("observed() says cancelled of a unary call whose caller has gone, when its handler ends", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  await using rig = await watchedRig({
    once: async (_, it) => {
      began.resolve();
      await promise;
      return it;
    },
  });
  const abort = new AbortController();
  const call = rig.echo.once(any("x"), { signal: abort.signal });
  await began.promise;
  abort.abort(new EngineError("cancelled", "enough"));
  await failure(call);
  // The server hears of it before the handler ends.
  await rig.echo.gather((async function* () {})()).catch(() => {});
  resolve();
  await until(() => rig.heard.includes("Once ended 1 The caller has gone"));
});

Deno.test("observed() leaves services as they are when nobody watches", () => {
  const services = [grpcService(EchoDefinition, NO_HANDLERS)];
  assertEquals(observed(services, []), services);
});
