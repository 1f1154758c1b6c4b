import { assertEquals } from "@std/assert";
import { RestartCounter } from "./restart.ts";

const failed = { exitCode: 1, ranMs: 5 };

Deno.test("RestartCounter.next() doubles the pause up to a minute", () => {
  const counter = new RestartCounter();
  const pauses = Array.from(
    { length: 12 },
    () => counter.next({ kind: "always" }, failed),
  );
  assertEquals(pauses.slice(0, 4), [100, 200, 400, 800]);
  assertEquals(pauses.at(-1), 60_000);
});

Deno.test("RestartCounter.next() begins anew after a good run", () => {
  const counter = new RestartCounter();
  counter.next({ kind: "always" }, failed);
  counter.next({ kind: "always" }, failed);
  const good = { exitCode: 0, ranMs: 10_000 };
  assertEquals(counter.next({ kind: "always" }, good), 100);
});

Deno.test("RestartCounter.next() gives up on-failure:2 at the third failure", () => {
  const counter = new RestartCounter();
  const policy = { kind: "on-failure", most: 2 } as const;
  const late = { exitCode: 1, ranMs: 10_000 };
  assertEquals(
    [failed, late, failed].map((run) => counter.next(policy, run)),
    [100, 100, undefined],
  );
});

Deno.test("RestartCounter.next() leaves alone what succeeded on-failure", () => {
  const counter = new RestartCounter();
  const policy = { kind: "on-failure", most: 0 } as const;
  const succeeded = { exitCode: 0, ranMs: 5 };
  assertEquals(counter.next(policy, succeeded), undefined);
  assertEquals(counter.next(policy, failed), 100);
});
