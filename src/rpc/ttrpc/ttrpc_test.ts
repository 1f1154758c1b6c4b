import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { KeeperDefinition } from "../../../proto/gen/coracle/shim/v1/keeper.ts";
import { Request } from "../../../proto/gen/ttrpc/ttrpc.ts";
import { EngineError, notFound } from "../../base/errors.ts";
import { TtrpcClient } from "./client.ts";
import {
  encodeFrame,
  FrameDecoder,
  HEADER_BYTES,
  MOST_BYTES,
} from "./frame.ts";
import type { Handlers } from "./method.ts";
import { type Listener, serveTtrpc, type TtrpcServer } from "./server.ts";
import { service } from "./service.ts";

interface Pair extends AsyncDisposable {
  readonly server: TtrpcServer;
  readonly client: TtrpcClient;
  readonly connect: () => Promise<Deno.Conn>;
}

/** Waits until the signal fires, and tells of it. */
const ended = Promise.withResolvers<unknown>();

const HANDLERS: Handlers<typeof KeeperDefinition> = {
  launch: (_call, { request }) => Promise.resolve({ pid: request.length }),
  status: (_call, { id }) => Promise.reject(notFound("container", id)),
  retire: () => Promise.resolve({}),
  setRestartPolicy: (call) =>
    Promise.reject(
      new EngineError("aborted", call.metadata.get("who") ?? "nobody"),
    ),
  wait: (call) =>
    new Promise((_resolve, reject) => {
      call.signal.addEventListener("abort", () => {
        ended.resolve(call.signal.reason);
        reject(call.signal.reason);
      });
    }),
  async *attach(_call, inputs) {
    for await (const { input } of inputs) {
      if (input?.$case === "stdin") {
        yield { output: { $case: "stdout", value: input.value } };
      }
      if (input?.$case === "size") throw notFound("terminal", "0");
    }
  },
};

async function openPair(
  handlers: Partial<Handlers<typeof KeeperDefinition>> = {},
  wrap: (listener: Deno.UnixListener) => Listener = (listener) => listener,
): Promise<Pair> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-ttrpc-" });
  const path = `${dir}/s`;
  const listener = Deno.listen({ transport: "unix", path });
  const served = service(KeeperDefinition, { ...HANDLERS, ...handlers });
  const server = serveTtrpc(wrap(listener), [served]);
  const connect = () => Deno.connect({ transport: "unix", path });
  const client = new TtrpcClient(await connect());
  return {
    server,
    client,
    connect,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

Deno.test("FrameDecoder gives the frames whatever pieces they come in", () => {
  const frames = fc.array(fc.record({
    stream: fc.nat(),
    type: fc.nat(255),
    flags: fc.nat(255),
    payload: fc.uint8Array({ maxLength: 300 }),
  }));
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (all, size) => {
      const bytes = all.flatMap((it) => [...encodeFrame(it, it.payload)]);
      const decoder = new FrameDecoder();
      const found = [];
      for (let at = 0; at < bytes.length; at += size) {
        found.push(...decoder.push(new Uint8Array(bytes.slice(at, at + size))));
      }
      assertEquals(found, all);
      assert(!decoder.isWithinFrame);
    }),
  );
});

Deno.test("FrameDecoder skips a payload over the limit and goes on", () => {
  const decoder = new FrameDecoder();
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, MOST_BYTES + 1);
  header[8] = 1;
  assertEquals([...decoder.push(header)], []);
  const all = new Uint8Array(MOST_BYTES + 1);
  const [long] = [...decoder.push(all)];
  assertEquals(long?.payload, undefined);
  const next = { stream: 3, type: 1, flags: 0 };
  const [frame] = [...decoder.push(encodeFrame(next, new Uint8Array([7])))];
  assertEquals(frame, { ...next, payload: new Uint8Array([7]) });
});

Deno.test("TtrpcClient calls many at once and tells errors by their codes", async () => {
  await using pair = await openPair();
  const keeper = pair.client.stub(KeeperDefinition);
  const sizes = Array.from({ length: 50 }, (_, i) => i * 1000);
  const answers = await Promise.all(
    sizes.map((size) => keeper.launch({ request: "x".repeat(size) })),
  );
  assertEquals(answers.map(({ pid }) => pid), sizes);
  const missing = await assertRejects(
    () => keeper.status({ id: "gone" }),
    EngineError,
    'container "gone"',
  );
  assertEquals(missing.code, "notFound");
  const metadata = { who: "me" };
  const aborted = await assertRejects(
    () => keeper.setRestartPolicy({ id: "", policy: "" }, { metadata }),
    EngineError,
    "me",
  );
  assertEquals(aborted.code, "aborted");
});

Deno.test("TtrpcClient says what the server does not have", async () => {
  await using pair = await openPair();
  const other = pair.client.stub(KeeperDefinition, "coracle.Other");
  const error = await assertRejects(
    () => other.retire({ id: "" }),
    EngineError,
    "coracle.Other/Retire",
  );
  assertEquals(error.code, "unimplemented");
});

Deno.test("TtrpcClient refuses to send a message over the limit", async () => {
  await using pair = await openPair();
  const keeper = pair.client.stub(KeeperDefinition);
  const error = await assertRejects(
    () => keeper.launch({ request: "x".repeat(MOST_BYTES + 1) }),
    EngineError,
  );
  assertEquals(error.code, "resourceExhausted");
  assertEquals((await keeper.launch({ request: "x" })).pid, 1);
});

Deno.test("a stream carries any amount both ways, to its end or its error", async () => {
  await using pair = await openPair();
  const keeper = pair.client.stub(KeeperDefinition);
  const chunk = new Uint8Array(100_000).fill(5);
  async function* send(times: number, last: "end" | "fail") {
    for (let i = 0; i < times; i++) {
      yield { input: { $case: "stdin" as const, value: chunk } };
    }
    if (last === "fail") {
      const value = { columns: 1, rows: 1 };
      yield { input: { $case: "size" as const, value } };
    }
  }
  let bytes = 0;
  for await (const { output } of keeper.attach(send(200, "end"))) {
    if (output?.$case === "stdout") bytes += output.value.length;
  }
  assertEquals(bytes, 200 * chunk.length);
  const failing = async () => {
    for await (const _ of keeper.attach(send(3, "fail"))) {
      // Until it fails.
    }
  };
  await assertRejects(failing, EngineError, "terminal");
  assertEquals((await keeper.launch({ request: "x" })).pid, 1);
});

Deno.test("a handler's signal fires when its caller goes, or takes too long", async () => {
  await using pair = await openPair();
  const slow = pair.client.stub(KeeperDefinition)
    .wait({ id: "" }, { timeoutMs: 20 });
  const late = await assertRejects(() => slow, EngineError);
  assertEquals(late.code, "deadlineExceeded");

  const other = new TtrpcClient(await pair.connect());
  const waiting = other.stub(KeeperDefinition).wait({ id: "" });
  const refused = assertRejects(() => waiting, EngineError);
  await other[Symbol.asyncDispose]();
  assertEquals((await refused).code, "unavailable");
  assert(await ended.promise instanceof EngineError);
});

Deno.test("serveTtrpc() survives whatever bytes come", async () => {
  await using pair = await openPair();
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.record({
      stream: fc.nat(9),
      type: fc.nat(4),
      flags: fc.nat(7),
      payload: fc.uint8Array({ maxLength: 60 }),
    }).map((it) => encodeFrame(it, it.payload)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { maxLength: 8 }), async (pieces) => {
      const connection = await pair.connect();
      for (const piece of pieces) {
        if (piece.length > 0) await connection.write(piece);
      }
      connection.close();
      const keeper = pair.client.stub(KeeperDefinition);
      assertEquals((await keeper.launch({ request: "x" })).pid, 1);
    }),
    { numRuns: 200 },
  );
});

Deno.test("a stream's input ends when its caller reads no more", async () => {
  const inputEnded = Promise.withResolvers<void>();
  await using pair = await openPair({
    async *attach(_call, inputs) {
      yield { output: { $case: "attached", value: {} } };
      for await (const _ of inputs) {
        // Until there is no more.
      }
      inputEnded.resolve();
    },
  });
  const silence = Promise.withResolvers<void>();
  async function* nothing() {
    await silence.promise;
    yield { input: undefined };
  }
  const keeper = pair.client.stub(KeeperDefinition);
  for await (const _ of keeper.attach(nothing())) break;
  await inputEnded.promise;
  silence.resolve();
});

Deno.test("serveTtrpc() ends though a handler never heeds its signal", async () => {
  const never = Promise.withResolvers<{ pid: number }>();
  const called = Promise.withResolvers<void>();
  await using pair = await openPair({
    launch() {
      called.resolve();
      return never.promise;
    },
  });
  const keeper = pair.client.stub(KeeperDefinition);
  const late = assertRejects(
    () => keeper.launch({ request: "" }, { timeoutMs: 20 }),
    EngineError,
  );
  assertEquals((await late).code, "deadlineExceeded");
  const waiting = assertRejects(
    () => keeper.launch({ request: "" }),
    EngineError,
  );
  await called.promise;
  await pair.server[Symbol.asyncDispose]();
  assertEquals((await waiting).code, "unavailable");
});

Deno.test("serveTtrpc() goes on when a connection can't be accepted", async () => {
  await using pair = await openPair({}, (listener) => {
    let failures = 2;
    return {
      accept: () =>
        failures-- > 0
          ? Promise.reject(new Error("Too many open files (os error 24)"))
          : listener.accept(),
      close: () => listener.close(),
    };
  });
  const keeper = pair.client.stub(KeeperDefinition);
  assertEquals((await keeper.launch({ request: "x" })).pid, 1);
});

Deno.test("serveTtrpc() takes no more calls from who reads no answers", async () => {
  let calls = 0;
  const status = "x".repeat(1024 * 1024);
  await using pair = await openPair({
    status() {
      calls++;
      return Promise.resolve({ status });
    },
  });
  const connection = await pair.connect();
  const payload = Request.encode(Request.create({
    service: KeeperDefinition.fullName,
    method: "Status",
  })).finish();
  // One write for all, so that nothing but the server's choice holds them up.
  const frames = Array.from(
    { length: 200 },
    (_, i) => encodeFrame({ stream: 2 * i + 1, type: 1, flags: 0 }, payload),
  );
  await connection.write(new Uint8Array(await new Blob(frames).arrayBuffer()));
  const keeper = pair.client.stub(KeeperDefinition);
  for (let i = 0; i < 20; i++) await keeper.launch({ request: "x" });
  assert(calls > 0 && calls < 20, `${calls} calls were begun`);
  connection.close();
});
