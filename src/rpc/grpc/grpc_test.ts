import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError, ERROR_CODES } from "../../base/errors.ts";
import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { GrpcClient } from "./client.ts";
import { isLongTimeout } from "./long_timeout.ts";
import type { GrpcHandlers } from "./method.ts";
import { type GrpcServer, serveGrpc } from "./server.ts";
import { grpcService } from "./service.ts";

const AnyCodec = Any as typeof Any;
const message = { requestType: AnyCodec, responseType: AnyCodec };

const EchoDefinition = {
  fullName: "coracle.test.Echo",
  methods: {
    once: {
      name: "Once",
      ...message,
      requestStream: false,
      responseStream: false,
    },
    repeat: {
      name: "Repeat",
      ...message,
      requestStream: false,
      responseStream: true,
    },
    gather: {
      name: "Gather",
      ...message,
      requestStream: true,
      responseStream: false,
    },
    converse: {
      name: "Converse",
      ...message,
      requestStream: true,
      responseStream: true,
    },
  },
} as const;

type Echo = GrpcHandlers<typeof EchoDefinition>;

const unused = () => Promise.reject(new Error("not expected"));
async function* unusedStream(): AsyncGenerator<Any> {
  yield await unused();
}

const NO_HANDLERS: Echo = {
  once: unused,
  repeat: unusedStream,
  gather: unused,
  converse: unusedStream,
};

function any(typeUrl: string, bytes = 0): Any {
  return { typeUrl, value: new Uint8Array(bytes) };
}

/** grpc-js lets the timer of its next try run after it has been closed. */
async function timersOfLostConnections(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500));
}

const KIB = 1024;
const MIB = 1024 * KIB;

interface Rig extends AsyncDisposable {
  readonly path: string;
  readonly server: GrpcServer;
  readonly client: GrpcClient;
  readonly echo: ReturnType<typeof stubOf>;
}

function stubOf(client: GrpcClient) {
  return client.stub(EchoDefinition);
}

async function rig(
  handlers: Partial<Echo>,
  connections: "kept" | "lost" = "kept",
): Promise<Rig> {
  const stack = new AsyncDisposableStack();
  if (connections === "lost") stack.defer(timersOfLostConnections);
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const path = `${directory}/s`;
  const service = grpcService(EchoDefinition, { ...NO_HANDLERS, ...handlers });
  const server = stack.use(
    await serveGrpc({
      addresses: [{ path, mode: 0o600 }],
      services: [service],
    }),
  );
  const client = stack.use(new GrpcClient({ path }));
  return {
    path,
    server,
    client,
    echo: stubOf(client),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(values);
}

/** Until it holds; a test that waits in vain fails by its own time limit. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 500, `it never held: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function* forever(value: Any): AsyncGenerator<Any> {
  for (;;) yield await Promise.resolve(value);
}

Deno.test("serveGrpc() makes its socket with the permissions given", async () => {
  await using it = await rig({});
  const { mode } = await Deno.stat(it.path);
  assertEquals((mode ?? 0) & 0o777, 0o600);
});

Deno.test("serveGrpc() fails when it can't listen", async () => {
  const options = {
    addresses: [{ path: "/nonexistent/s", mode: 0o600 }],
    services: [],
  };
  await assertRejects(() => serveGrpc(options));
});

Deno.test("a unary call takes headers there and back, and trailers", async () => {
  await using it = await rig({
    once(call, request) {
      call.sendHeaders({ "x-answer": "b" });
      call.trailers.set("x-trailer", "c");
      const typeUrl = `${request.typeUrl} ${call.metadata.get("x-ask")}`;
      return Promise.resolve(any(`${call.path} ${typeUrl}`, 3));
    },
  });
  const seen: (string | undefined)[] = [];
  const answer = await it.echo.once(any("q"), {
    metadata: { "x-ask": "a" },
    onHeaders: (headers) => seen.push(headers.get("x-answer")),
    onTrailers: (trailers) => seen.push(trailers.get("x-trailer")),
  });
  assertEquals(answer.typeUrl, "/coracle.test.Echo/Once q a");
  assertEquals(answer.value.length, 3);
  assertEquals(seen, ["b", "c"]);
});

Deno.test("streams go each way, alone and both at once", async () => {
  await using it = await rig({
    async *repeat(_call, { typeUrl }) {
      for (const times of [1, 2, 3]) {
        yield await Promise.resolve(any(`${typeUrl}${times}`));
      }
    },
    async gather(_call, requests) {
      const found = await all(requests);
      return any(found.map(({ typeUrl }) => typeUrl).join("+"));
    },
    async *converse(_call, requests) {
      for await (const { typeUrl } of requests) yield any(`${typeUrl}!`);
    },
  });
  const names = (values: Any[]) => values.map(({ typeUrl }) => typeUrl);
  async function* asked() {
    for (const name of ["a", "b"]) yield await Promise.resolve(any(name));
  }
  async function* none() {}
  assertEquals(names(await all(it.echo.repeat(any("x")))), ["x1", "x2", "x3"]);
  assertEquals((await it.echo.gather(asked())).typeUrl, "a+b");
  assertEquals((await it.echo.gather(none())).typeUrl, "");
  assertEquals(names(await all(it.echo.converse(asked()))), ["a!", "b!"]);
  assertEquals(await all(it.echo.converse(none())), []);
});

Deno.test("a conversation goes back and forth, one message at a time", async () => {
  await using it = await rig({
    async *converse(_call, requests) {
      for await (const { typeUrl } of requests) yield any(`${typeUrl}.`);
    },
  });
  let next = Promise.withResolvers<Any | undefined>();
  async function* asked() {
    for (;;) {
      const request = await next.promise;
      next = Promise.withResolvers();
      if (request === undefined) return;
      yield request;
    }
  }
  const found: string[] = [];
  next.resolve(any("a"));
  for await (const { typeUrl } of it.echo.converse(asked())) {
    found.push(typeUrl);
    next.resolve(typeUrl.length < 5 ? any(typeUrl) : undefined);
  }
  assertEquals(found, ["a.", "a..", "a...", "a....", "a....."].slice(0, 4));
});

Deno.test("every code of an error arrives, from calls of both kinds", async () => {
  await using it = await rig({
    once: (_call, { typeUrl }) =>
      Promise.reject(new EngineError(typeUrl as "notFound", `Ä "${typeUrl}"`)),
    async *repeat(_call, { typeUrl }) {
      yield await Promise.resolve(any("first"));
      throw new EngineError(typeUrl as "notFound", `Ö "${typeUrl}"`);
    },
  });
  for (const code of ERROR_CODES) {
    const once = await failure(it.echo.once(any(code)));
    assertEquals([once.code, once.message], [code, `Ä "${code}"`]);
    const found: string[] = [];
    const repeated = await failure((async () => {
      for await (const { typeUrl } of it.echo.repeat(any(code))) {
        found.push(typeUrl);
      }
    })());
    assertEquals([repeated.code, repeated.message], [code, `Ö "${code}"`]);
    assertEquals(found, ["first"]);
  }
});

Deno.test("trailers come with a failure, too", async () => {
  await using it = await rig({
    once(call) {
      call.trailers.set("x-why", "so");
      return Promise.reject(new EngineError("aborted", "no"));
    },
  });
  let why: string | undefined;
  await failure(it.echo.once(any(""), {
    onTrailers: (trailers) => why = trailers.get("x-why"),
  }));
  assertEquals(why, "so");
});

Deno.test("trailers that can't be sent fail their call only", async () => {
  await using it = await rig({
    once(call, { typeUrl }) {
      if (typeUrl !== "") call.trailers.set("x-why", typeUrl);
      return Promise.resolve(any("well"));
    },
    async *repeat(call) {
      yield await Promise.resolve(any("first"));
      call.trailers.set("x-why", "\n");
    },
  });
  for (const work of [it.echo.once(any("\n")), all(it.echo.repeat(any("")))]) {
    assertEquals((await failure(work)).code, "unknown");
  }
  assertEquals((await it.echo.once(any(""))).typeUrl, "well");
});

Deno.test("a method that there is not is unimplemented", async () => {
  await using it = await rig({});
  const other = it.client.stub(EchoDefinition, "coracle.test.Other");
  assertEquals((await failure(other.once(any("")))).code, "unimplemented");
  const stream = failure(all(other.repeat(any(""))));
  assertEquals((await stream).code, "unimplemented");
});

Deno.test("messages of 16 MiB pass each way, longer ones don't", async () => {
  await using it = await rig({
    once: (_call, { typeUrl, value }) =>
      Promise.resolve(any("", typeUrl === "" ? value.length : Number(typeUrl))),
    async *converse(_call, requests) {
      yield* requests;
    },
  });
  async function* one(bytes: number) {
    yield await Promise.resolve(any("", bytes));
  }
  // Some bytes are the message's own.
  const most = 16 * MIB - 16;
  assertEquals((await it.echo.once(any("", most))).value.length, most);
  const [echoed] = await all(it.echo.converse(one(most)));
  assertEquals(echoed?.value.length, most);
  const tooLong = most + 32;
  for (
    const work of [
      () => it.echo.once(any("", tooLong)),
      () => it.echo.once(any(String(tooLong))),
      () => all(it.echo.converse(one(tooLong))),
    ]
  ) {
    assertEquals((await failure(work())).code, "resourceExhausted");
  }
  assertEquals((await it.echo.once(any("", 5))).value.length, 5);
});

Deno.test("a signal of the caller's reaches the handler", async () => {
  const reasons: unknown[] = [];
  const heard = (signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      })
    );
  await using it = await rig({
    once: (call) => heard(call.signal),
    async *repeat(call) {
      yield any("first");
      await heard(call.signal);
    },
  });
  const abort = new AbortController();
  const mine = new EngineError("aborted", "I don't want it any more");
  const { signal } = abort;
  const once = failure(it.echo.once(any(""), { signal }));
  const repeat = failure(all(it.echo.repeat(any(""), { signal })));
  await until(() => it.server.calls === 2);
  abort.abort(mine);
  assertEquals(await once, mine);
  assertEquals(await repeat, mine);
  await until(() => it.server.calls === 0);
  const codes = reasons.map((it) => (it as EngineError).code);
  assertEquals(codes, ["cancelled", "cancelled"]);
  assertEquals(await failure(it.echo.once(any(""), { signal })), mine);
});

Deno.test("who stops iterating cancels the call", async () => {
  let isEnded = false;
  await using it = await rig({
    async *repeat() {
      try {
        yield* forever(any("more"));
      } finally {
        isEnded = true;
      }
    },
  });
  for await (const _ of it.echo.repeat(any(""))) break;
  await until(() => isEnded && it.server.calls === 0);
});

Deno.test("a deadline ends the call on both sides", async () => {
  const seen: unknown[] = [];
  await using it = await rig({
    once: (call) =>
      new Promise(() => {
        seen.push(call.deadline instanceof Date);
        call.signal.addEventListener("abort", () => {
          seen.push((call.signal.reason as EngineError).code);
        });
      }),
  });
  const error = await failure(it.echo.once(any(""), { timeoutMs: 50 }));
  assertEquals(error.code, "deadlineExceeded");
  await until(() => it.server.calls === 0);
  const [hasDeadline, reason] = seen;
  // Which of the two it is depends on whose clock is ahead.
  const reasons: unknown[] = ["deadlineExceeded", "cancelled"];
  assert(hasDeadline === true && reasons.includes(reason), `${seen}`);
});

Deno.test("a deadline that is weeks away has not passed", async () => {
  await using it = await rig({
    async once() {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return any("in time");
    },
  });
  const day = 24 * 3_600_000;
  for (const timeoutMs of [20 * day, 30 * day, 400 * day]) {
    const { typeUrl } = await it.echo.once(any(""), { timeoutMs });
    assertEquals(typeUrl, "in time");
  }
  // As it is on the wire, whatever the client makes of its own.
  for (const value of ["2592000S", "99999999H", "1S", "5000000M"]) {
    const metadata = { "grpc-timeout": value };
    const { typeUrl } = await it.echo.once(any(""), { metadata });
    assertEquals(typeUrl, "in time");
  }
});

Deno.test("isLongTimeout() knows what timers can't count", () => {
  for (const value of ["2147484S", "597H", "99999999M", "35792M"]) {
    assert(isLongTimeout(value), value);
  }
  for (const value of ["2147483S", "596H", "99999999m", "1n", "x", "", "9"]) {
    assert(!isLongTimeout(value), value);
  }
});

Deno.test("answers are made no faster than they are read", async () => {
  let made = 0;
  await using it = await rig({
    async *repeat() {
      for (; made < 200; made++) {
        yield await Promise.resolve(any("", 512 * KIB));
      }
    },
  });
  const answers = it.echo.repeat(any(""))[Symbol.asyncIterator]();
  await answers.next();
  await settled(() => made);
  assert(made < 60, `${made} were made for one that was read`);
  let read = 1;
  while (!(await answers.next()).done) read++;
  assertEquals([read, made], [200, 200]);
});

Deno.test("requests are taken no faster than they are read", async () => {
  let made = 0;
  const go = Promise.withResolvers<void>();
  await using it = await rig({
    async gather(_call, requests) {
      let bytes = 0;
      for await (const { value } of requests) {
        bytes += value.length;
        await go.promise;
      }
      return any(String(bytes));
    },
  });
  async function* many() {
    for (; made < 200; made++) {
      yield await Promise.resolve(any("", 512 * KIB));
    }
  }
  const answer = it.echo.gather(many());
  await until(() => made > 0);
  await settled(() => made);
  assert(made < 60, `${made} were made for one that was read`);
  go.resolve();
  assertEquals((await answer).typeUrl, String(200 * 512 * KIB));
});

/** Until the number has not changed for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

Deno.test("a handler may answer before it has read everything", async () => {
  await using it = await rig({
    gather: () => Promise.resolve(any("enough")),
    async *converse(_call, requests) {
      for await (const request of requests) {
        yield request;
        return;
      }
    },
  });
  const answer = await it.echo.gather(forever(any("", KIB)));
  assertEquals(answer.typeUrl, "enough");
  const answers = await all(it.echo.converse(forever(any("x", KIB))));
  assertEquals(answers.length, 1);
  await until(() => it.server.calls === 0);
  assertEquals(it.server.connections, 1);
});

Deno.test("a request that can't be decoded is an invalid argument", async () => {
  const BytesDefinition = {
    fullName: EchoDefinition.fullName,
    methods: {
      once: {
        ...EchoDefinition.methods.once,
        requestType: {
          encode: () => ({ finish: () => new Uint8Array([0x0a, 0x7f]) }),
        } as unknown as typeof Any,
      },
    },
  } as const;
  await using it = await rig({});
  const stub = it.client.stub(BytesDefinition);
  const error = await failure(stub.once(any("")));
  assertEquals(error.code, "invalidArgument");
});

Deno.test("stop() lets open calls end, and takes no new ones", async () => {
  const go = Promise.withResolvers<void>();
  await using it = await rig({
    async once() {
      await go.promise;
      return any("done");
    },
  }, "lost");
  const open = it.echo.once(any(""));
  await until(() => it.server.calls === 1);
  const stopped = it.server.stop(10_000);
  await using late = new GrpcClient({ path: it.path });
  const refused = failure(stubOf(late).once(any("")));
  assertEquals((await refused).code, "unavailable");
  go.resolve();
  assertEquals((await open).typeUrl, "done");
  await stopped;
  assertEquals(it.server.connections, 0);
  await assertRejects(() => Deno.stat(it.path), Deno.errors.NotFound);
});

Deno.test("a server that is disposed cancels what is open", async () => {
  await using it = await rig({
    once: () => new Promise(() => {}),
    async *repeat() {
      yield any("first");
      await new Promise(() => {});
    },
  }, "lost");
  const once = failure(it.echo.once(any("")));
  const repeat = failure(all(it.echo.repeat(any(""))));
  await until(() => it.server.calls === 2);
  await it.server[Symbol.asyncDispose]();
  assertEquals((await once).code, "unavailable");
  assertEquals((await repeat).code, "unavailable");
  assertEquals((await once).message, "The server is stopping");
  assertEquals((await repeat).message, "The server is stopping");
});

Deno.test("a client finds the server again when it has been restarted", async () => {
  const handlers: Partial<Echo> = { once: () => Promise.resolve(any("1")) };
  await using it = await rig(handlers, "lost");
  assertEquals((await it.echo.once(any(""))).typeUrl, "1");
  await it.server[Symbol.asyncDispose]();
  assertEquals((await failure(it.echo.once(any("")))).code, "unavailable");
  const service = grpcService(EchoDefinition, {
    ...NO_HANDLERS,
    once: () => Promise.resolve(any("2")),
  });
  await using _second = await serveGrpc({
    addresses: [{ path: it.path, mode: 0o600 }],
    services: [service],
  });
  let answer: Any | undefined;
  for (let tries = 0; answer === undefined && tries < 50; tries++) {
    answer = await it.echo.once(any("")).catch(() => undefined);
    if (answer === undefined) await new Promise((r) => setTimeout(r, 50));
  }
  assertEquals(answer?.typeUrl, "2");
});

Deno.test("a client that is disposed fails what is open and what comes", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const open = failure(it.echo.once(any("")));
  await until(() => it.server.calls === 1);
  await it.client[Symbol.asyncDispose]();
  const codes = ["cancelled", "unavailable"];
  const { code, message } = await open;
  assert(codes.includes(code), `${code}: ${message}`);
  assertEquals((await failure(it.echo.once(any("")))).code, "unavailable");
  await until(() => it.server.calls === 0 && it.server.connections === 0);
});
