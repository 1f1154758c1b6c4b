import { assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { GrpcCall } from "./method.ts";
import { grpcService } from "./service.ts";
import { EchoDefinition, NO_HANDLERS } from "./testing.ts";

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
