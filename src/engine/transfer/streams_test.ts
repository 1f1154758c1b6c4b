import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { ctx, other } from "../../core/testing/fixtures.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { MessageStream } from "../../core/stream.ts";
import { dropUnleased } from "./stream_leases.ts";
import { createStreamTable } from "./streams.ts";

function stream(): MessageStream & { readonly closed: () => boolean } {
  let isClosed = false;
  return {
    send: () => Promise.resolve(),
    flushed: () => Promise.resolve(),
    receive: () => Promise.resolve(undefined),
    close: () => void (isClosed = true),
    closed: () => isClosed,
  };
}

function codeOf(body: () => unknown): string {
  return assertThrows(body, EngineError).code;
}

Deno.test("createStreamTable() keeps namespaces apart, and names for one", () => {
  const table = createStreamTable();
  const [one, two] = [stream(), stream()];
  {
    using _one = table.register(ctx, "a", one);
    using _two = table.register(other, "a", two);
    assertEquals(table.get(ctx, "a"), one);
    assertEquals(table.get(other, "a"), two);
    assertEquals(
      codeOf(() => table.register(ctx, "a", two)),
      "alreadyExists",
    );
    assertEquals(codeOf(() => table.register(ctx, "", two)), "invalidArgument");
  }
  assertEquals(codeOf(() => table.get(ctx, "a")), "notFound");
});

Deno.test("dropUnleased() closes streams whose lease is gone", async () => {
  const table = createStreamTable();
  const [free, held, lost] = [stream(), stream(), stream()];
  using _free = table.register(ctx, "free", free);
  using _held = table.register({ ...ctx, leaseId: "held" }, "held", held);
  using _lost = table.register({ ...ctx, leaseId: "lost" }, "lost", lost);
  const lease = { id: "held", labels: {}, createdAt: new Date() };
  const leases: Pick<LeaseManager, "list"> = {
    async *list(_ctx, filters) {
      if (filters?.[0] === 'id=="held"') yield await Promise.resolve(lease);
    },
  };
  await dropUnleased(ctx, leases, table);
  assertEquals([free, held, lost].map((it) => it.closed()), [
    false,
    false,
    true,
  ]);
  assertEquals(codeOf(() => table.get(ctx, "lost")), "notFound");
});
