import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { holderOf, lockDirectory } from "./lock.ts";

const LONG = { pid: 4194303, address: `/run/${"long".repeat(20)}` };
const SHORT = { pid: 1, address: "/s" };

Deno.test("lockDirectory() says who has it, until that one lets go", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-lock-" });
  try {
    assertEquals(holderOf(dir), undefined);
    for (const holder of [SHORT, LONG, SHORT]) {
      using _lock = await patiently(() => lockDirectory(dir, holder));
      assertEquals(holderOf(dir), holder);
      const { code, message } = assertThrows(
        () => lockDirectory(dir, { pid: 2, address: "/other" }),
        EngineError,
      );
      assertEquals(code, "failedPrecondition");
      assertEquals(message.includes(`"${holder.address}"`), true, message);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Children of other tests have our descriptors for a moment: until they run. */
async function patiently<T>(body: () => T): Promise<T> {
  for (let triesLeft = 100;; triesLeft--) {
    try {
      return body();
    } catch (error) {
      if (triesLeft === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
