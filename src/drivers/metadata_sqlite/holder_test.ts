import { assertEquals } from "@std/assert";
import { hasEnded, ownHolder } from "./holder.ts";

Deno.test("hasEnded() is true only of a process that is known to be gone", async () => {
  const own = ownHolder();
  assertEquals(hasEnded(own), false);
  const [boot, namespace, pid, started] = own.split("/");
  const holder = (...parts: readonly unknown[]) => parts.join("/");
  // Another process has the number now.
  assertEquals(hasEnded(holder(boot, namespace, pid, "1")), true);
  const child = new Deno.Command("true").spawn();
  await child.status;
  assertEquals(hasEnded(holder(boot, namespace, child.pid, started)), true);
  // From here they can't be seen.
  assertEquals(hasEnded(holder("other", namespace, child.pid, "1")), false);
  assertEquals(hasEnded(holder(boot, "pid:[1]", child.pid, "1")), false);
  for (const text of ["", "x", holder(boot, namespace, "", "")]) {
    assertEquals(hasEnded(text), false);
  }
});
