import { assert, assertEquals } from "@std/assert";
import type { ShimProcessState } from "../../core/shim.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";
import { processStartTime } from "../../sys/pidfd.ts";
import { processStartedAt } from "../../sys/process_started.ts";
import { statusOf } from "./status.ts";

// Libraries that the first call opens stay open.
processStartedAt(Deno.pid);

const STATE: ShimProcessState = {
  ...{ id: "web", execId: "", bundle: "/b", pid: Deno.pid, status: "running" },
  ...{ stdin: "", stdout: "", stderr: "", terminal: false },
};

/** The greatest number that Linux gives a process is less. */
const NOBODY = 2 ** 22 + 1;

const RECORDED: TaskStatus = {
  ...NEW_STATUS,
  state: "running",
  pid: Deno.pid,
  startedAt: "2020-02-02T02:02:02.000Z",
};

Deno.test("statusOf() takes the start from the process when nobody has recorded it", async () => {
  const before = Date.now();
  const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" })
    .spawn();
  const after = Date.now();
  const { startedAt } = statusOf({ ...STATE, pid: child.pid });
  const again = statusOf({ ...STATE, status: "paused", pid: child.pid });
  await child.stdin.close();
  await child.status;
  const time = new Date(startedAt ?? 0).getTime();
  assert(time >= before - TICK_MS && time <= after + TICK_MS, startedAt);
  assertEquals(again.startedAt, startedAt);
});

/** In which the kernel counts, and up to which the time is rounded. */
const TICK_MS = 20;

Deno.test("statusOf() keeps the recorded start of the same process", () => {
  assertEquals(statusOf(STATE, RECORDED).startedAt, RECORDED.startedAt);
  const pidStartTime = processStartTime(Deno.pid) ?? 0;
  const exact = { ...RECORDED, pidStartTime };
  assertEquals(statusOf(STATE, exact).startedAt, RECORDED.startedAt);
});

Deno.test("statusOf() does not take another process's start for this one's", () => {
  for (
    const other of [
      { ...RECORDED, pid: NOBODY },
      { ...RECORDED, pidStartTime: 1 },
    ]
  ) {
    const { startedAt } = statusOf(STATE, other);
    assert(startedAt !== undefined && startedAt !== RECORDED.startedAt);
  }
});

Deno.test("statusOf() tells no start where it sees no process, or none has started", () => {
  assertEquals(statusOf({ ...STATE, pid: NOBODY }).startedAt, undefined);
  assertEquals(statusOf({ ...STATE, pid: 0 }).startedAt, undefined);
  const created = statusOf({ ...STATE, status: "created" });
  assertEquals(created.startedAt, undefined);
});
