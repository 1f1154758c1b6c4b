import { assertEquals } from "@std/assert";
import { background } from "../base/context.ts";
import { notFound } from "../base/errors.ts";
import { RestartMonitor, type RestartMonitorDeps } from "./restart_monitor.ts";
import { RESTART_LABEL } from "./restart_policy.ts";

const ctx = background({ namespace: "test" });

/** @param onCall can act while the monitor does */
async function look(
  onCall: (call: string, labels: Map<string, string>) => void,
): Promise<readonly string[]> {
  const labels = new Map([[RESTART_LABEL.status as string, "running"]]);
  const record = () => ({
    ...{ id: "boat", runtime: { name: "" }, snapshotKey: "", snapshotter: "" },
    labels: Object.fromEntries(labels),
    updatedAt: new Date(0),
  });
  const calls: string[] = [];
  const asked = (call: string) => () => {
    onCall(call, labels);
    calls.push(call);
    return Promise.resolve();
  };
  let isThere = true;
  const deps = {
    now: () => new Date(),
    namespaces: { list: () => listOf([{ name: "test" }]) },
    containers: {
      list: () => listOf([record()]),
      get: () => Promise.resolve(record()),
      update: asked("update"),
    },
    tasks: {
      get: () =>
        isThere
          ? Promise.resolve({ id: "boat", status: "stopped" })
          : Promise.reject(notFound("task", "boat")),
      async delete() {
        isThere = false;
        await asked("delete")();
      },
      create: asked("create"),
      start: asked("start"),
    },
  };
  const monitor = new RestartMonitor(deps as unknown as RestartMonitorDeps);
  await monitor.look(ctx);
  return calls;
}

async function* listOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

Deno.test("RestartMonitor makes what has ended anew", async () => {
  assertEquals(await look(() => {}), ["update", "delete", "create", "start"]);
});

Deno.test("RestartMonitor does not start what its user ends while it is made anew", async () => {
  const calls = await look((call, labels) => {
    if (call === "create") labels.delete(RESTART_LABEL.status);
  });
  assertEquals(calls, ["update", "delete", "create", "delete"]);
});
