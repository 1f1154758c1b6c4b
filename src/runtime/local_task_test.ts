import { assert, assertEquals } from "@std/assert";
import { background } from "../base/context.ts";
import { unavailable } from "../base/errors.ts";
import type { Bundle } from "../core/task.ts";
import { taskSuite, type TaskUnderTest } from "../core/testing/task.ts";
import { adoptOrphans, isAlive, spawn } from "../sys/process.ts";
import {
  cgroupDirectories,
  fillRootfs,
  specFor,
} from "../../tests/support/runtime_bundle.ts";
import { createBundleStore } from "./bundles.ts";
import { createHost } from "./host.ts";
import { createLocalTasks } from "./local_tasks.ts";
import { createTaskRunner } from "./task_runner.ts";

const needsRoot = { ignore: Deno.uid() !== 0 };

/** Bundles whose containers run in the foreground of this very process. */
function openForeground() {
  const state = Deno.makeTempDirSync({ prefix: "coracle-task-" });
  const namespace = `task${crypto.randomUUID().slice(0, 8)}`;
  const parent = `/coracle-test-${namespace}`;
  const common = {
    state,
    host: createHost({ env: (name) => Deno.env.get(name) }),
    now: () => new Date(),
    env: () => Object.entries(Deno.env.toObject()).map(([k, v]) => `${k}=${v}`),
  };
  const bundles = createBundleStore(common);
  const runner = createTaskRunner(common);
  const tasks = createLocalTasks({
    ...common,
    bundles,
    keepers: {
      spawn: () => {
        throw unavailable("No shims here");
      },
      connect: () => Promise.reject(unavailable("No shims here")),
    },
    finishCommand: [],
    publishCommand: [],
  });
  return {
    tasks,
    makeBundle(id: string, script: string): Bundle {
      const bundle = bundles.create(background(), {
        id,
        namespace,
        runtime: "runc",
        snapshotter: "",
        snapshotKey: "",
        removal: "onExit",
      });
      fillRootfs(bundle.rootfs);
      const cgroup = `${parent}/${id}`;
      bundle.writeSpec(specFor({ script, cgroup }));
      return bundle;
    },
    async run(bundle: Bundle): Promise<number> {
      const { exitCode } = await runner.runForeground(
        background(),
        bundle,
        { stdin: "null", kind: "streams" },
      );
      removeContents(bundle.rootfs);
      bundle.remove();
      return exitCode;
    },
    namespace,
    [Symbol.dispose]() {
      for (const path of cgroupDirectories(parent)) Deno.removeSync(path);
      Deno.removeSync(state, { recursive: true });
    },
  };
}

async function start(script: string): Promise<TaskUnderTest> {
  const place = openForeground();
  const id = crypto.randomUUID().replaceAll("-", "");
  const bundle = place.makeBundle(id, script);
  const { rootfs } = bundle;
  const ended = place.run(bundle);
  const ctx = background({ namespace: place.namespace });
  const ref = { namespace: place.namespace, id };
  while (bundle.status()?.state !== "running") await pause();
  const task = await place.tasks.find(ctx, ref);
  assert(task !== undefined);
  return {
    task,
    read: (name) => readIfThere(`${rootfs}/out/${name}`),
    async [Symbol.asyncDispose]() {
      await task.kill(ctx, 9, "all").catch(() => {});
      await ended;
      // The listeners for signals end a moment after they were removed.
      await pause();
      place[Symbol.dispose]();
    },
  };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function removeContents(path: string): void {
  for (const { name } of Deno.readDirSync(path)) {
    Deno.removeSync(`${path}/${name}`, { recursive: true });
  }
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  adoptOrphans();
  isAlive(Deno.pid);
  const { wait } = spawn({
    path: "/bin/true",
    args: [],
    env: [],
    stdin: "null",
    processGroup: "own",
  });
  await wait();
}

if (!needsRoot.ignore) {
  await prime();
  await using first = await start("while :; do sleep 0.1; done");
  await first.task.pause(background());
  await first.task.resume(background());
  const { pid } = await first.task.exec(background(), {
    execId: "first",
    process: () =>
      Promise.resolve({
        args: ["/bin/true"],
        cwd: "/",
        env: [],
        user: { uid: 0, gid: 0 },
      }),
    stdio: { to: "none" },
  });
  assert(pid > 0);
  const ended = first.task.wait(background());
  await first.task.kill(background(), 9, "all");
  await ended;
}

Deno.test("LocalTask does what every task does in the foreground", {
  ...needsRoot,
}, async (t) => {
  await taskSuite(t, start);
});

Deno.test("runForeground() writes down how it ended before it lets go", {
  ...needsRoot,
}, async () => {
  using place = openForeground();
  const bundle = place.makeBundle("short", "exit 5");
  assertEquals(await place.run(bundle), 5);
  await pause();
});
