import { assertEquals } from "@std/assert";
import { background } from "../base/context.ts";
import type { Services } from "../core/services.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import { endedStatus, lostStatus } from "./task_end.ts";
import { publishDelete, publishExit } from "./task_events.ts";

const now = new Date("2026-01-01T00:00:00Z");
const running = { ...NEW_STATUS, state: "running", pid: 42 } as const;
/** As a shim leaves it. */
const stopped = {
  ...NEW_STATUS,
  state: "stopped",
  exit: {
    exitCode: 3,
    exitedAt: now.toISOString(),
    certainty: "seen",
    pid: 42,
  },
} as const;

for (
  const [what, status] of Object.entries({
    "its shim has written down": stopped,
    "its shim has written down, and a command has seen": endedStatus(
      stopped,
      { exitCode: 3, exitedAt: now },
    ),
    "a command has seen": endedStatus(running, { exitCode: 3, exitedAt: now }),
    "nobody has seen": lostStatus(running, now),
  })
) {
  Deno.test(`publishExit() and publishDelete() name the process when ${what} its end`, async () => {
    const told: [string, unknown][] = [];
    const events = {
      publish(_ctx: unknown, topic: string, { pid }: { pid?: unknown }) {
        told.push([topic, pid]);
        return Promise.resolve();
      },
    } as unknown as Services["events"];
    await publishExit(background(), { events }, "one", status);
    await publishDelete(background(), { events }, "one", { ...status, pid: 0 });
    assertEquals(told[0], ["/tasks/exit", 42]);
    if (status.exit?.pid !== undefined) {
      assertEquals(told[1], ["/tasks/delete", 42]);
    }
  });
}
