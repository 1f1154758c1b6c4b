import { assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { GrpcCall } from "./method.ts";
import { grpcService } from "./service.ts";
import { all, any, EchoDefinition, NO_HANDLERS, rig } from "./testing.ts";

Deno.test("answers that come together come as one by one", async () => {
  const sizes = [0, 1, 127, 128, 20_000, 0];
  const answers = sizes.map((size, index) => any(`${index}`, size));
  await using it = await rig({
    async *repeat() {
      yield* answers;
      yield await Promise.resolve([]);
      yield answers;
    },
    async *converse(_call, requests) {
      yield [];
      for await (const request of requests) yield [request, request];
    },
  });
  assertEquals(await all(it.echo.repeat(any(""))), [...answers, ...answers]);
  const twice = answers.flatMap((answer) => [answer, answer]);
  assertEquals(await all(it.echo.converse(each(answers))), twice);
});

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* await Promise.resolve(values);
}

Deno.test("a handler that fails when its call has been left fails unheard", async () => {
  const { methods } = grpcService(EchoDefinition, {
    ...NO_HANDLERS,
    gather: () => Promise.reject(new EngineError("cancelled", "too late")),
  });
  const method = methods.get("Gather");
  const call: GrpcCall = {
    path: "/coracle.test.Echo/Gather",
    signal: new AbortController().signal,
    metadata: new Map(),
    deadline: undefined,
    trailers: new Map(),
    sendHeaders: () => {},
  };
  if (method?.kind !== "stream") throw new TypeError("It sends no stream");
  async function* requests() {}
  const answers = method.answer(call, requests())[Symbol.asyncIterator]();
  const first = answers.next();
  await answers.return?.();
  assertEquals((await first).done, true);
  // A rejection that nobody handles would be told now, and end the program.
  await new Promise((resolve) => setTimeout(resolve, 0));
});
