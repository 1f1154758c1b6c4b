/** A client that leaves in the middle of a call, which its task survives not. */

import { assertEquals, assertRejects } from "@std/assert";
import { TasksDefinition } from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { isThere } from "../src/sys/is_there.ts";
import { parentOf } from "../src/sys/pidfd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { until } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

/** Long enough for a call to arrive, which then waits for its shim. */
const UNDER_WAY_MS = 300;

Deno.test({
  name: "a task is deleted to the end, although who asked for it has left",
  ignore: Deno.uid() !== 0 || !isThere("/usr/bin/ctr"),
  fn: async () => {
    await using daemon = await openDaemon();
    writeBusyboxRoot(`${daemon.dir}/rootfs`);
    await daemon.expectCtr(
      ...["run", "--detach", "--rootfs", `${daemon.dir}/rootfs`],
      ...["web", "/bin/sleep", "1000"],
    );
    const shim = await shimOf(daemon, "web");
    await daemon.expectCtr("tasks", "kill", "-s", "SIGKILL", "web");
    await until(
      "its end",
      async () => (await daemon.expectCtr("tasks", "ls")).includes("STOPPED"),
    );
    Deno.kill(shim, "SIGSTOP");
    try {
      await deleteAndLeave(daemon, "web");
    } finally {
      Deno.kill(shim, "SIGCONT");
    }
    const bundles = () => [...Deno.readDirSync(`${daemon.dir}/state/bundles`)];
    await until("the end of its bundle", () => bundles().length === 0);
    assertEquals(await daemon.expectCtr("tasks", "ls", "-q"), "");
    await daemon.expectCtr("containers", "rm", "web");
  },
});

async function shimOf(daemon: Daemon, id: string): Promise<number> {
  const listed = await daemon.expectCtr("tasks", "ls");
  const pid = new RegExp(`^${id}\\s+(\\d+)`, "m").exec(listed)?.[1];
  return parentOf(Number(pid)) ?? 0;
}

async function deleteAndLeave(daemon: Daemon, id: string): Promise<void> {
  await using client = new GrpcClient({ path: daemon.address });
  const leave = new AbortController();
  const deleting = client.stub(TasksDefinition).delete({ containerId: id }, {
    signal: leave.signal,
    metadata: daemon.headers,
  });
  setTimeout(() => leave.abort(new Error("gone")), UNDER_WAY_MS);
  await assertRejects(() => deleting, Error, "gone");
}
