import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { activity } from "./activity.ts";
import { activityText } from "./activity_text.ts";

const START = new Date("2026-01-01T00:00:00Z");

Deno.test("activity() tells what the process has, and activityText() shows it", async () => {
  using _file = await Deno.open("/dev/null");
  const found = await activity({
    startedAt: START,
    now: () => new Date(START.getTime() + 90_500),
    calls: () => [{
      ...{ path: "/a.B/Get", namespace: "web", request: "r1" },
      ...{ startedAt: START.getTime() + 90_000, state: "left" },
      ...{ received: 1, sent: 20 },
    }],
    tasks: () =>
      Promise.resolve([{
        ...{ namespace: "web", id: "one", pid: 7, status: "running" },
      }]),
    plugins: () => [
      { type: "t", id: "good", requires: [] },
      {
        ...{ type: "t", id: "bad", requires: [] },
        failure: { kind: "error", error: new Error("no such thing") },
      },
    ],
  });
  assertEquals(found.pid, Deno.pid);
  assert((found.descriptors["file"] ?? 0) >= 1);
  const threads = Object.values(found.threads);
  assert(threads.reduce((sum, count) => sum + count, 0) >= 2);
  const text = activityText(found);
  for (
    const part of [
      `process ${Deno.pid}, up 90.5 s`,
      "1 open calls\n  /a.B/Get for 0.5 s, namespace web, request r1, " +
      "1 in, 20 out, its caller has gone\n",
      "1 tasks\n  web/one: running, process 7\n",
      "1 of 2 plugins are open\n  t.bad: error: no such thing\n",
    ]
  ) assertStringIncludes(text, part);
});
