import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import {
  policyTold,
  RESTART_LABEL,
  restartCount,
  wantsRestart,
} from "./restart_policy.ts";

const policy = (text: string, more: Record<string, string> = {}) => ({
  [RESTART_LABEL.policy]: text,
  ...more,
});

Deno.test("wantsRestart() is always true without a policy, or with always", () => {
  assertEquals(wantsRestart({}, 0), true);
  assertEquals(wantsRestart(policy("always"), 1), true);
  assertEquals(wantsRestart(policy("no"), 1), false);
});

Deno.test("wantsRestart() counts failures when the policy does", () => {
  const count = (n: number) => ({ [RESTART_LABEL.count]: String(n) });
  assertEquals(wantsRestart(policy("on-failure"), 0), false);
  assertEquals(wantsRestart(policy("on-failure", count(1_000)), 1), true);
  assertEquals(wantsRestart(policy("on-failure:2", count(1)), 1), true);
  assertEquals(wantsRestart(policy("on-failure:2", count(2)), 1), false);
  assertEquals(wantsRestart(policy("on-failure:0", count(2)), 1), true);
});

Deno.test("wantsRestart() heeds who has stopped it when the policy is unless-stopped", () => {
  const stopped = (text: string) =>
    policy("unless-stopped", { [RESTART_LABEL.explicitlyStopped]: text });
  assertEquals(wantsRestart(policy("unless-stopped"), 0), true);
  assertEquals(wantsRestart(stopped("true"), 0), false);
  assertEquals(wantsRestart(stopped("1"), 137), false);
  assertEquals(wantsRestart(stopped("false"), 0), true);
});

Deno.test("wantsRestart() throws invalidArgument when labels make no sense", () => {
  for (const text of ["always:3", "on-failure:x", "on-failure:1:2", "often"]) {
    assertThrows(() => wantsRestart(policy(text), 1), EngineError);
  }
  const count = { [RESTART_LABEL.count]: "many" };
  assertThrows(() => wantsRestart(policy("on-failure:3", count), 1));
});

Deno.test("restartCount() is 0 when nothing has counted", () => {
  assertEquals(restartCount({}), 0);
  assertEquals(restartCount({ [RESTART_LABEL.count]: "7" }), 7);
});

Deno.test("policyTold() is what a monitor heeds", () => {
  const heeded = (text: string) =>
    policyTold(policy(text, { [RESTART_LABEL.status]: "running" }));
  assertEquals(heeded("always"), { kind: "always" });
  assertEquals(heeded(""), { kind: "always" });
  assertEquals(heeded("unless-stopped"), { kind: "unless-stopped" });
  assertEquals(heeded("on-failure:2"), { kind: "on-failure", most: 2 });
  assertEquals(heeded("on-failure"), { kind: "on-failure", most: 0 });
  for (const text of ["no", "often", "always:3"]) {
    assertEquals(heeded(text), { kind: "no" });
  }
  assertEquals(policyTold(policy("always")), { kind: "no" });
});
