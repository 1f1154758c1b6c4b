import { assertEquals } from "@std/assert";
import { notFound } from "../base/errors.ts";
import type { BundleRecord } from "../core/task.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import { processStartTime } from "../sys/pidfd.ts";
import { discardTask } from "./discard_task.ts";

/** Has `words` in its arguments, as a shim its bundle. */
function sleeper(...words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", "exec 3<&0; read x <&3", "sh", ...words],
    stdin: "piped",
  }).spawn();
}

Deno.test({
  name: "discardTask() is content with what ends while it is at it",
  // The symbols of libc stay open.
  sanitizeResources: false,
  fn: endsMeanwhile,
});

async function endsMeanwhile(): Promise<void> {
  const path = await Deno.makeTempDir();
  const [shim, init] = [sleeper(path), sleeper()];
  const pidStartTime = processStartTime(init.pid);
  const status = {
    ...NEW_STATUS,
    state: "running" as const,
    pid: init.pid,
    ...pidStartTime === undefined ? {} : { pidStartTime },
  };
  const record: BundleRecord = {
    ...{ id: "web", namespace: "test", runtime: "runc" },
    ...{ snapshotter: "", snapshotKey: "" },
    removal: "keep",
  };
  try {
    const isOver = discardTask({
      shim: {
        address: `unix://${path}/nobody`,
        pid: shim.pid,
        version: 3,
        wake: `${path}/wake`,
      },
      bundle: { path, record, status: () => status },
      stateOfRuntime: `${path}/state`,
      kill: () => {
        init.kill("SIGKILL");
        throw notFound("process", "web");
      },
    });
    const ends = await Promise.all([shim.status, init.status, isOver]);
    assertEquals(ends.map((it) => typeof it === "object" ? it.signal : it), [
      "SIGKILL",
      "SIGKILL",
      true,
    ]);
  } finally {
    await Promise.all([shim.stdin.close(), init.stdin.close()]);
    await Deno.remove(path, { recursive: true });
  }
}
