import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import type { BundleRecord } from "../core/task.ts";
import { destroyContainer } from "./destroy_container.ts";
import { createHost } from "./host.ts";
import { RuntimePrograms, runtimeRoot } from "./runtime_programs.ts";

const RECORD: BundleRecord = {
  ...{ namespace: "default", id: "c0ffee", runtime: "runsc" },
  ...{ snapshotter: "", snapshotKey: "", removal: "keep" },
};

Deno.test("destroyContainer() forgets nothing that a runtime may still run", async () => {
  const state = await Deno.makeTempDir({ prefix: "coracle-destroy-" });
  await using owned = new AsyncDisposableStack();
  owned.defer(() => Deno.remove(state, { recursive: true }));
  // No runtime is found there.
  const host = createHost({ env: () => state });
  const programs = new RuntimePrograms({ host, state, env: () => [] });
  await destroyContainer(programs, state, RECORD);

  const root = runtimeRoot(state, RECORD);
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(`${root}/c0ffee_sandbox:c0ffee.state`, "{}");
  const error = await assertRejects(
    () => destroyContainer(programs, state, RECORD),
    EngineError,
    "runsc",
  );
  assertEquals(error.code, "failedPrecondition");
});
