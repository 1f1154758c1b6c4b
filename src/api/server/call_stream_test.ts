import { assertEquals } from "@std/assert";
import { ctx } from "../../core/testing/fixtures.ts";
import type { TypedValue } from "../../core/container.ts";
import { CallStream } from "./call_stream.ts";

const word: TypedValue = { typeUrl: "word", value: new Uint8Array() };

function openStream() {
  const nothing = (async function* (): AsyncGenerator<TypedValue> {})();
  return new CallStream(nothing);
}

/** Whether it has settled once all that can happen by itself has. */
async function hasSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => settled = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return settled;
}

Deno.test("CallStream.flushed() waits until the last message has been sent", async () => {
  const stream = openStream();
  const outgoing = stream.outgoing(ctx.signal);
  assertEquals(await hasSettled(stream.flushed(ctx)), true);
  await stream.send(ctx, word);
  await stream.send(ctx, word);
  const flushed = stream.flushed(ctx);
  await outgoing.next();
  await outgoing.next();
  assertEquals(await hasSettled(flushed), false);
  const third = outgoing.next();
  assertEquals(await hasSettled(flushed), true);
  stream.close();
  assertEquals((await third).done, true);
});

Deno.test("CallStream.flushed() settles when nobody listens any more", async () => {
  const stream = openStream();
  const outgoing = stream.outgoing(ctx.signal);
  await stream.send(ctx, word);
  await outgoing.next();
  const flushed = stream.flushed(ctx);
  assertEquals(await hasSettled(flushed), false);
  await outgoing.return(undefined);
  assertEquals(await hasSettled(flushed), true);
});
