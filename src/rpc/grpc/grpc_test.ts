import { assertEquals, assertRejects } from "@std/assert";
import { EngineError, ERROR_CODES } from "../../base/errors.ts";
import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { serveGrpc } from "./server.ts";
import { all, any, EchoDefinition, failure, MIB, rig } from "./testing.ts";

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
