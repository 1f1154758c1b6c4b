/** Which connection a call goes over, and what is left of calls that fail. */

import { assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { all, any, failure, MIB, rig, until } from "./testing.ts";

Deno.test("a signal that fires while the client connects ends the call", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const abort = new AbortController();
  const mine = new EngineError("aborted", "I don't want it any more");
  const call = failure(it.echo.once(any(""), { signal: abort.signal }));
  abort.abort(mine);
  assertEquals(await call, mine);
  await until(() => it.server.calls === 0);
});

Deno.test("a request that is too long leaves no call open", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const error = await failure(it.echo.once(any("", 17 * MIB)));
  assertEquals(error.code, "resourceExhausted");
  const open = failure(it.echo.once(any("")));
  await until(() => it.server.calls > 0);
  assertEquals(it.server.calls, 1);
  await it.server.stop(0);
  assertEquals((await open).code, "unavailable");
});

Deno.test("large headers go both ways at once, before requests are read", async () => {
  const large = "x".repeat(16_000);
  await using it = await rig({
    async *converse(call) {
      call.sendHeaders({ "x-large": large });
      yield await Promise.resolve(any("well"));
    },
  });
  const metadata = { "x-large": large };
  async function* none() {}
  const calls = Array.from(
    { length: 300 },
    () => all(it.echo.converse(none(), { metadata })),
  );
  assertEquals((await Promise.all(calls)).flat().length, 300);
});
