import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { checkApart, holderOf, lockDirectory } from "./lock.ts";

const LONG = { pid: Deno.pid, address: `/run/${"long".repeat(20)}` };
const SHORT = { pid: Deno.pid, address: "/s" };

Deno.test("lockDirectory() says who has it, until that one lets go", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-lock-" });
  try {
    assertEquals(holderOf(dir), undefined);
    for (const holder of [SHORT, LONG, SHORT]) {
      using _lock = await lockDirectory(dir, holder);
      assertEquals(holderOf(dir), holder);
      const { code, message } = await assertRejects(
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

Deno.test("lockDirectory() waits for one that has been killed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-lock-" });
  try {
    const { success, pid } = await ended();
    assertEquals(success, true);
    // It has gone, but its lock is still there: the kernel takes its time.
    const first = await lockDirectory(dir, { ...SHORT, pid });
    const second = lockDirectory(dir, LONG);
    await new Promise((resolve) => setTimeout(resolve, 300));
    first[Symbol.dispose]();
    using _second = await second;
    assertEquals(holderOf(dir), LONG);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("lockDirectory() says which directory is for others", async () => {
  // Not even root makes files there.
  const { code, message, hint } = await assertRejects(
    () => lockDirectory("/sys/kernel", SHORT),
    EngineError,
  );
  assertEquals(code, "permissionDenied");
  assertEquals(message.includes('"/sys/kernel"'), true, message);
  assertEquals(hint?.includes("--root"), true, hint);
});

Deno.test("checkApart() refuses one directory for both, by whatever path", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-apart-" });
  try {
    await Deno.mkdir(`${dir}/a`);
    await Deno.symlink("a", `${dir}/link`);
    checkApart({ root: `${dir}/a`, state: dir });
    checkApart({ root: `${dir}/a`, state: `${dir}/absent` });
    const wrong = { link: "a", a: "link", absent: "absent" };
    for (const [root, state] of Object.entries(wrong)) {
      const { code, message } = assertThrows(
        () => checkApart({ root: `${dir}/${root}`, state: `${dir}/${state}` }),
        EngineError,
      );
      assertEquals(code, "invalidArgument");
      assertEquals(message.includes(`"${dir}/${state}"`), true, message);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function ended(): Promise<{ success: boolean; pid: number }> {
  const process = new Deno.Command("true").spawn();
  const { success } = await process.status;
  return { success, pid: process.pid };
}
