/** Tasks of another process, by the suite that local ones run. */

import { background } from "../src/base/context.ts";
import { silentLogger } from "../src/base/log.ts";
import { connect } from "../src/app/connect.ts";
import { taskSuite, type TaskUnderTest } from "../src/core/testing/task.ts";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
} from "./support/remote_store.ts";

const NAMESPACE = "default";

interface Yard extends AsyncDisposable {
  /** Starts a container; all are removed in the end. */
  start(script: string): Promise<TaskUnderTest>;
}

async function openYard(store: RemoteStore): Promise<Yard> {
  const { address, dir, ok } = store;
  const connection = await connect({
    ...{ address, namespace: NAMESPACE, log: silentLogger },
    ...{ root: `${dir}/root`, state: `${dir}/state` },
  });
  const { tasks } = connection.services;
  const ctx = background({ namespace: NAMESPACE });
  const ids: string[] = [];
  return {
    async start(script) {
      const out = await Deno.makeTempDir({ dir, prefix: "out-" });
      const command = [REMOTE_IMAGE, "sh", "-c", script];
      const id = await ok("run", "-d", "-v", `${out}:/out`, ...command);
      ids.push(id.trim());
      const ref = { namespace: NAMESPACE, id: id.trim() };
      const task = await tasks.find(ctx, ref);
      if (task === undefined) throw new Error(`There is no task "${id}"`);
      return {
        task,
        read: (name) => readIfThere(`${out}/${name}`),
        // It may have ended.
        [Symbol.asyncDispose]: () => task.kill(ctx, 9, "all").catch(() => {}),
      };
    },
    async [Symbol.asyncDispose]() {
      if (ids.length > 0) await ok("rm", "-f", ...ids);
      await connection[Symbol.asyncDispose]();
    },
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `remote tasks keep the contract when ${name} serves them`,
    ignore,
    // Drivers below open symbols of libc that stay open.
    sanitizeResources: false,
    async fn(t) {
      await using store = await open();
      await using yard = await openYard(store);
      await taskSuite(t, (script) => yard.start(script));
    },
  });
}
