import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { isStateChosen, rememberState, withSameState } from "./same_state.ts";

Deno.test("withSameState() finds what rememberState() was told", async () => {
  const root = await Deno.makeTempDir();
  try {
    const first = { root, state: `${root}/login-1` };
    const second = { root, state: `${root}/login-2` };
    assertEquals(withSameState(second), second);
    await Deno.mkdir(first.state);
    rememberState(first);
    assertEquals(withSameState(second), first);
    // The login has ended, and its directory with it.
    await Deno.remove(first.state);
    assertEquals(withSameState(second), second);
    await Deno.mkdir(second.state);
    rememberState(second);
    assertEquals(withSameState(first), second);
    // Of another boot.
    await Deno.writeTextFile(`${root}/state-directory`, `x\n${root}\n`);
    assertEquals(withSameState(first), first);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("rememberState() says which directory is for others", () => {
  // Not even root makes files there.
  const paths = { root: "/sys/kernel", state: "/tmp" };
  const { code, message, hint } = assertThrows(
    () => rememberState(paths),
    EngineError,
  );
  assertEquals([code, message], [
    "permissionDenied",
    'Cannot write to directory "/sys/kernel": permission denied',
  ]);
  assertEquals(hint?.includes("--root"), true, hint);
});

Deno.test("isStateChosen() is true when anybody names it", () => {
  const none = () => undefined;
  assertEquals(isStateChosen(none, undefined, undefined), false);
  assertEquals(isStateChosen(none, undefined, "/state"), true);
  assertEquals(isStateChosen(() => "/state"), true);
});
