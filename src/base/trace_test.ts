import { assertEquals, assertRejects } from "@std/assert";
import { background } from "./context.ts";
import { parseTraceparent, type Span, traced } from "./trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

Deno.test("parseTraceparent() reads ids, and whether it is sampled", () => {
  for (const isSampled of [true, false]) {
    assertEquals(
      parseTraceparent(`00-${TRACE}-${SPAN}-${isSampled ? "01" : "00"}`),
      { traceId: TRACE, spanId: SPAN, isSampled },
    );
  }
});

Deno.test("parseTraceparent() takes later versions and refuses what is none", () => {
  const read = (header: string) => parseTraceparent(header)?.isSampled;
  assertEquals(read(`01-${TRACE}-${SPAN}-03-more`), true);
  assertEquals(read(`01-${TRACE}-${SPAN}-02`), false);
  for (
    const header of [
      "",
      `00-${TRACE}-${SPAN}-01-more`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00-${TRACE}-${SPAN}`,
    ]
  ) assertEquals(parseTraceparent(header), undefined, header);
});

Deno.test("traced() runs work as it is when nothing is traced", async () => {
  const ctx = background();
  assertEquals(await traced(ctx, "work", {}, (it) => Promise.resolve(it)), ctx);
});

Deno.test("traced() gives work a child of the span and ends it with its error", async () => {
  const said: string[] = [];
  const span = (name: string): Span => ({
    context: { traceId: TRACE, spanId: SPAN, isSampled: true },
    child: (child) => span(`${name}/${child}`),
    set: () => {},
    end: (error) => said.push(`${name} ${error ?? "well"}`),
  });
  const ctx = background({ span: span("call") });
  await traced(
    ctx,
    "pull",
    {},
    (ctx) => traced(ctx, "layer", {}, () => Promise.resolve()),
  );
  await assertRejects(
    () => traced(ctx, "pull", {}, () => Promise.reject(new Error("no"))),
    Error,
    "no",
  );
  assertEquals(said, [
    "call/pull/layer well",
    "call/pull well",
    "call/pull Error: no",
  ]);
});
