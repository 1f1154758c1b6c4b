import { assertEquals } from "@std/assert";
import { background } from "./context.ts";
import { Lingering } from "./lingering.ts";

const aborted = (signal: AbortSignal) =>
  new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(signal.reason))
  );

Deno.test("Lingering ends its work some time after the caller has gone", async () => {
  const caller = new AbortController();
  using lingering = new Lingering(background({ signal: caller.signal }), 20);
  const { signal } = lingering.ctx;
  const end = aborted(signal);
  caller.abort("gone");
  assertEquals(signal.aborted, false);
  assertEquals(await end, "gone");
});

Deno.test("Lingering gives time also to a caller that has gone already", async () => {
  const ctx = background({ signal: AbortSignal.abort("gone") });
  using lingering = new Lingering(ctx, 20);
  assertEquals(lingering.ctx.signal.aborted, false);
  assertEquals(await aborted(lingering.ctx.signal), "gone");
});

Deno.test("Lingering leaves work that is over alone", () => {
  const caller = new AbortController();
  const lingering = new Lingering(background({ signal: caller.signal }), 1);
  lingering[Symbol.dispose]();
  // A timer would be left, which the test would complain about.
  caller.abort("gone");
  assertEquals(lingering.ctx.signal.aborted, false);
});
