import { assert, assertEquals, assertRejects } from "@std/assert";
import { background, cleanUp } from "./context.ts";

Deno.test("cleanUp() runs under a fresh signal when the caller's has fired", async () => {
  const ctx = background({ signal: AbortSignal.abort(), namespace: "moby" });
  let ran = false;
  await cleanUp(ctx, 1000, (undo) => {
    ran = true;
    assertEquals(undo.namespace, "moby");
    assert(!undo.signal.aborted);
    return Promise.resolve();
  });
  assert(ran);
});

Deno.test("cleanUp() ends an undo that outlives its budget", async () => {
  await assertRejects(
    () =>
      cleanUp(background(), 1, (undo) =>
        new Promise((_, reject) => {
          undo.signal.addEventListener("abort", () => {
            reject(undo.signal.reason);
          });
        })),
    DOMException,
    "Clean-up took too long",
  );
});
