/** What ends while no daemon is there, and clients that listen again late. */

import { assert, assertEquals } from "@std/assert";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import type { Envelope } from "../proto/gen/containerd/types/event.ts";
import { fromEvent } from "../src/api/convert/events.ts";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { until } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

/** Names of what somebody who listens now is told to have ended. */
async function listen(daemon: Daemon) {
  const stop = new AbortController();
  const { signal } = stop;
  const filters = [`namespace==${daemon.namespace},topic~=|^/tasks/|`];
  const ended: string[] = [];
  const reading = (async () => {
    const stream = daemon.stub(EventsDefinition).subscribe({ filters }, {
      signal,
    });
    for await (const it of stream) ended.push(...nameOf(it));
  })().catch(() => {});
  // A subscription has no answer of its own.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return {
    ended,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
    },
  };
}

function nameOf({ topic, event }: Envelope): readonly string[] {
  if (topic !== "/tasks/exit" || event === undefined) return [];
  return [String(fromEvent(topic, event).id)];
}

Deno.test({
  name:
    "who listens soon after the daemon's start is told what ended without one",
  ignore: !hasContainerd(),
  fn: async () => {
    await using daemon = await openDaemon();
    const root = `${daemon.dir}/rootfs`;
    writeBusyboxRoot(root);
    const run = (name: string, ...command: readonly string[]) =>
      daemon.expectCtr("run", "-d", "--rootfs", root, name, ...command);
    const stopped = async (name: string) =>
      new RegExp(`${name} .*STOPPED`).test(
        await daemon.expectCtr("tasks", "ls"),
      );
    await run("old", "/bin/sleep", "300");
    const tasks = await daemon.expectCtr("tasks", "ls");
    const pid = Number(/old\s+(\d+)/.exec(tasks)?.[1]);
    assert(pid > 0);

    await daemon.stop("SIGKILL");
    Deno.kill(pid, "SIGKILL");
    await daemon.start();
    await until("its end is known", () => stopped("old"));
    await run("new", "/bin/true");
    await until("the new one has ended", () => stopped("new"));
    // The shim tells it again, after a second, to whoever is there.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    {
      await using late = await listen(daemon);
      await until("it hears", () => late.ended.includes("old"));
      await run("third", "/bin/true");
      await until("it is told", () => late.ended.includes("third"));
      assertEquals(late.ended, ["old", "third"]);
    }
    await using again = await listen(daemon);
    assertEquals(again.ended, []);
    for (const name of ["old", "new", "third"]) {
      await daemon.expectCtr("tasks", "rm", "-f", name);
      await daemon.expectCtr("containers", "rm", name);
    }
  },
});
