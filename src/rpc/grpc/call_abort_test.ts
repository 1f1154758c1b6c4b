import { assert, assertEquals, assertRejects } from "@std/assert";
import { CallAbort } from "./call_abort.ts";

const FIRST = new Error("The first reason");
const SECOND = new Error("The second reason");

Deno.test("signal fires with the first reason, whenever it is asked for", () => {
  const abort = new CallAbort();
  const { signal } = abort;
  assert(!signal.aborted);
  abort.abort(FIRST);
  abort.abort(SECOND);
  assertEquals(signal.reason, FIRST);
  assert(abort.signal === signal);
  const late = new CallAbort();
  late.abort(FIRST);
  late.abort(SECOND);
  assertEquals(late.signal.reason, FIRST);
});

Deno.test("orAborted() gives what the work gives or throws, if that comes first", async () => {
  const abort = new CallAbort();
  assertEquals(await abort.orAborted(Promise.resolve(1)), 1);
  const error = await assertRejects(
    () => abort.orAborted(Promise.reject(SECOND)),
  );
  assertEquals(error, SECOND);
  abort.abort(FIRST);
});

Deno.test("orAborted() throws the reason, before its work ends and after the end of the call", async () => {
  const abort = new CallAbort();
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = assertRejects(() => abort.orAborted(promise));
  abort.abort(FIRST);
  assertEquals(await waiting, FIRST);
  // Nobody hears of what becomes of the work.
  reject(SECOND);
  const late = [Promise.reject(SECOND), Promise.resolve(1)];
  for (const work of late) {
    assertEquals(await assertRejects(() => abort.orAborted(work)), FIRST);
  }
});
