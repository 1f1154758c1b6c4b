import { assert, assertEquals } from "@std/assert";
import { background, type Context } from "../../base/context.ts";
import type { SpecProcess } from "../../oci/runtime_spec.ts";
import type { ExecProcess, ExecRequest, ExitStatus, Task } from "../task.ts";
import { TaskStartError } from "../start_failure.ts";
import { assertCode } from "./assert.ts";

/** What the suite runs on; a fresh one for each step. */
export interface TaskUnderTest extends AsyncDisposable {
  readonly task: Task;
  /**
   * What processes have written to `/out/NAME`, a directory of the container;
   * undefined if there is no such file.
   */
  read(name: string): string | undefined;
}

/** Starts a container with busybox whose process runs `script`. */
export type OpenTask = (script: string) => Promise<TaskUnderTest>;

type Step = (open: OpenTask, ctx: Context) => Promise<void>;

const SIG = { kill: 9, term: 15 } as const;
const FOREVER = "while :; do sleep 0.1; done";

/** The conformance suite of tasks, whoever keeps them. */
export async function taskSuite(
  t: Deno.TestContext,
  open: OpenTask,
): Promise<void> {
  for (const [name, step] of Object.entries(STEPS)) {
    await t.step(name, () => step(open, background()));
  }
}

const STEPS: Readonly<Record<string, Step>> = {
  "status() names the process while it runs": async (open, ctx) => {
    await using under = await open(FOREVER);
    const status = await under.task.status(ctx);
    assertEquals(status.state, "running");
    assert(status.pid > 0);
    assert(status.startedAt !== undefined);
    assertEquals(status.exit, undefined);
  },

  "kill() sends a signal to the first process; wait() says how it ended":
    async (open, ctx) => {
      await using under = await open(
        `trap 'exit 7' TERM; touch /out/ready; ${FOREVER}`,
      );
      await until(() => under.read("ready") !== undefined);
      const ended = under.task.wait(ctx);
      await under.task.kill(ctx, SIG.term, "init");
      assertEquals((await ended).exitCode, 7);
    },

  "kill() ends all processes when asked": async (open, ctx) => {
    await using under = await open(`sleep 1000 & sleep 1000 & ${FOREVER}`);
    await until(async () => (await under.task.pids(ctx)).length >= 3);
    const ended = under.task.wait(ctx);
    await under.task.kill(ctx, SIG.kill, "all");
    assertEquals((await ended).exitCode, 137);
  },

  "kill() throws notFound when the task has ended": async (open, ctx) => {
    await using under = await open(FOREVER);
    const ended = under.task.wait(ctx);
    await under.task.kill(ctx, SIG.kill, "init");
    await ended;
    await assertCode("notFound", () => under.task.kill(ctx, SIG.term, "init"));
  },

  "pause() stops all processes until resume()": async (open, ctx) => {
    await using under = await open(FOREVER);
    await under.task.pause(ctx);
    assertEquals((await under.task.status(ctx)).state, "paused");
    await under.task.resume(ctx);
    assertEquals((await under.task.status(ctx)).state, "running");
  },

  "kill() ends a paused task with SIGKILL": async (open, ctx) => {
    await using under = await open(FOREVER);
    const ended = under.task.wait(ctx);
    await under.task.pause(ctx);
    await under.task.kill(ctx, SIG.kill, "all");
    // Who drives a task by a shim has to ask it to go on.
    await under.task.resume(ctx).catch(() => {});
    assertEquals((await ended).exitCode, 137);
  },

  "exec() runs a process and says how it ended": async (open, ctx) => {
    await using under = await open(FOREVER);
    const process = await exec(
      under,
      ctx,
      'cat > /out/in; echo "$WORD" > /out/word; exit 3',
    );
    assertEquals(exitCodeOf(await process.wait()), 3);
    assertEquals(under.read("word"), "boat\n");
    assertEquals(under.read("in"), "");
  },

  "exec() says 128 + n when signal n ended it": async (open, ctx) => {
    await using under = await open(FOREVER);
    const process = await exec(under, ctx, "kill -15 $$");
    assertEquals(exitCodeOf(await process.wait()), 143);
  },

  "exec() leaves a process alone when its streams are none": async (
    open,
    ctx,
  ) => {
    await using under = await open(FOREVER);
    const { pid } = await under.task.exec(ctx, {
      ...request("echo out; echo done > /out/done; sleep 1000"),
      stdio: { to: "none" },
    });
    assert(pid > 0);
    await until(() => under.read("done") === "done\n");
    assert((await under.task.pids(ctx)).includes(pid));
  },

  "exec() throws 127 or 126 when the command can't be run": async (
    open,
    ctx,
  ) => {
    await using under = await open(FOREVER);
    for (const [command, code] of [["nothere", 127], ["/etc/passwd", 126]]) {
      const error = await failed(under, ctx, `${command}`);
      assertEquals(error.exitCode, code, `${command}: ${error.message}`);
    }
  },

  "pids() has every process": async (open, ctx) => {
    await using under = await open(`sleep 1000 & ${FOREVER}`);
    const { pid } = await under.task.status(ctx);
    await until(async () => (await under.task.pids(ctx)).length >= 3);
    assert((await under.task.pids(ctx)).includes(pid));
  },

  "stats() counts, and its counters only grow": async (open, ctx) => {
    await using under = await open("while :; do :; done");
    const before = await under.task.stats(ctx);
    assert(before.pids >= 1);
    assert(before.memoryBytes > 0);
    await until(async () => (await under.task.stats(ctx)).cpuNs > before.cpuNs);
    const after = await under.task.stats(ctx);
    assert(after.cpuUserNs >= before.cpuUserNs);
    assert(after.cpuSystemNs >= before.cpuSystemNs);
    assert(after.at >= before.at);
  },

  "update() changes limits": async (open, ctx) => {
    await using under = await open(FOREVER);
    await under.task.update(ctx, {
      pids: { limit: 77 },
      memory: { limit: 64 * 1024 * 1024 },
    });
    const { pidsLimit, memoryLimitBytes } = await under.task.stats(ctx);
    assertEquals(pidsLimit, 77);
    assertEquals(memoryLimitBytes, 64 * 1024 * 1024);
  },

  "wait() says how it ended to all who wait": async (open, ctx) => {
    await using under = await open(
      "while ! test -e /out/go; do sleep 0.1; done; exit 9",
    );
    const ended = [under.task.wait(ctx), under.task.wait(ctx)];
    await (await exec(under, ctx, "touch /out/go")).wait();
    const exits = await Promise.all(ended);
    assertEquals(exits.map(({ exitCode }) => exitCode), [9, 9]);
  },

  "retire() changes nothing that runs": async (open, ctx) => {
    await using under = await open(FOREVER);
    await under.task.setRestartPolicy(ctx, { kind: "no" });
    await under.task.retire(ctx);
    assertEquals((await under.task.status(ctx)).state, "running");
  },
};

function exitCodeOf(end: ExitStatus | "detached"): number | undefined {
  return end === "detached" ? undefined : end.exitCode;
}

function request(script: string): Omit<ExecRequest, "stdio"> {
  return {
    execId: crypto.randomUUID().slice(0, 8),
    process: () => Promise.resolve(processOf(["/bin/sh", "-c", script])),
  };
}

function processOf(args: readonly string[]): SpecProcess {
  return {
    args,
    cwd: "/",
    env: ["PATH=/bin", "WORD=boat"],
    user: { uid: 0, gid: 0 },
  };
}

function exec(
  { task }: TaskUnderTest,
  ctx: Context,
  script: string,
): Promise<ExecProcess> {
  return task.exec(ctx, {
    ...request(script),
    stdio: { to: "ours", stdin: "null", kind: "streams" },
  });
}

async function failed(
  { task }: TaskUnderTest,
  ctx: Context,
  command: string,
): Promise<TaskStartError> {
  try {
    const started = await task.exec(ctx, {
      ...request(""),
      process: () => Promise.resolve(processOf([command])),
      stdio: { to: "ours", stdin: "null", kind: "streams" },
    });
    await started.wait();
  } catch (error) {
    if (error instanceof TaskStartError) return error;
    throw error;
  }
  throw new Error(`Expected that "${command}" can't be run`);
}

const PAUSE_MS = 10;

/** Never, if it is not so: then the test ends by its own limit. */
async function until(
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  while (!await condition()) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
