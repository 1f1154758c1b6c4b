import { assertEquals } from "@std/assert";
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

Deno.test("isStateChosen() is true when anybody names it", () => {
  const none = () => undefined;
  assertEquals(isStateChosen(none, undefined, undefined), false);
  assertEquals(isStateChosen(none, undefined, "/state"), true);
  assertEquals(isStateChosen(() => "/state"), true);
});
