import { assertEquals } from "@std/assert";
import { FsckPatience } from "./fsck_patience.ts";

Deno.test("FsckPatience waits for what passes, and only once for what does not", async () => {
  const patience = new FsckPatience();
  let asked = 0;
  assertEquals(await patience.lasts(() => ++asked < 3), false);
  assertEquals(asked, 3);
  asked = 0;
  const count = () => ++asked > 0;
  assertEquals(await patience.lasts(count), true);
  assertEquals(asked > 3, true);
  asked = 0;
  assertEquals(await patience.lasts(count), true);
  assertEquals(asked, 1);
});
