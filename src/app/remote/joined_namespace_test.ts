import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError, notFound } from "../../base/errors.ts";
import { joinedPath } from "../../core/shared_paths.ts";
import type { ShimProcessState } from "../../core/shim.ts";
import { closeFd, openToRead } from "../../sys/descriptors.ts";
import { JoinedNamespace } from "./joined_namespace.ts";

const ctx = background();
const OTHER = { kind: "pid", id: "o" } as const;
/** Larger than any number of a process. */
const NOBODY = 0x7fff_fff0;
const HERE = { status: "running", pid: Deno.pid } as const;
const ENDED = { status: "stopped", pid: Deno.pid } as const;

// What the first call loads, stays loaded.
closeFd(openToRead("/dev/null"));
assertThrows(() => openToRead("/nonexistent"));

type Answer = Pick<ShimProcessState, "status" | "pid">;

/** Gives these answers about the other container, the last one again. */
function tasksSaying(...answers: readonly Answer[]) {
  const left = [...answers];
  return {
    get: (_ctx: unknown, { id }: { readonly id: string }) => {
      const answer = left.length > 1 ? left.shift() : left[0];
      if (answer === undefined) return Promise.reject(notFound("task", id));
      const streams = { stdin: "", stdout: "", stderr: "", terminal: false };
      return Promise.resolve({
        ...{ id, execId: "", bundle: "", ...streams },
        ...answer,
      });
    },
  };
}

async function inBundle(body: (path: string) => Promise<void>) {
  const path = await Deno.makeTempDir();
  try {
    await body(path);
    // Whatever has happened, no link is left.
    assertEquals(await Array.fromAsync(Deno.readDir(path)), []);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const refused = (work: () => Promise<unknown>, message: string) =>
  assertRejects(work, EngineError, message);

Deno.test("JoinedNamespace.open() leads to the process until it is disposed of", () =>
  inBundle(async (path) => {
    for (const status of ["running", "paused"] as const) {
      const tasks = tasksSaying({ ...HERE, status });
      for (const kind of ["pid", "ipc"] as const) {
        const other = { kind, id: "o" };
        using joined = await JoinedNamespace.open(ctx, tasks, path, other);
        const link = await Deno.readLink(joinedPath(path, kind));
        assertEquals(link, `/proc/${Deno.pid}/ns/${kind}`);
        await joined.check(ctx, Deno.pid);
      }
    }
  }));

Deno.test("JoinedNamespace.open() refuses what does not run", () =>
  inBundle(async (path) => {
    const created = { ...HERE, status: "created" } as const;
    for (const answers of [[], [created], [ENDED], [HERE, ENDED]]) {
      const open = (kind: "pid" | "ipc") => () =>
        JoinedNamespace.open(ctx, tasksSaying(...answers), path, {
          ...{ kind, id: "o" },
        });
      const pid = "cannot join PID of a non running container: o: ";
      await refused(open("pid"), `${pid}container o is not running`);
      const ipc = "can't join IPC of container o: ";
      await refused(open("ipc"), `${ipc}container o is not running`);
    }
  }));

Deno.test("JoinedNamespace.open() refuses a number that was used again", () =>
  inBundle(async (path) => {
    const tasks = tasksSaying(HERE, { ...HERE, pid: NOBODY });
    const open = () => JoinedNamespace.open(ctx, tasks, path, OTHER);
    await refused(open, "container o is not running");
  }));

Deno.test("JoinedNamespace.open() tells of processes that are not seen here", () =>
  inBundle(async (path) => {
    const tasks = tasksSaying({ ...HERE, pid: NOBODY });
    const open = () => JoinedNamespace.open(ctx, tasks, path, OTHER);
    await refused(open, `process ${NOBODY} is not seen here`);
  }));

Deno.test("JoinedNamespace.check() tells whether the other one has ended", () =>
  inBundle(async (path) => {
    const tasks = tasksSaying(HERE, HERE, HERE, ENDED);
    using joined = await JoinedNamespace.open(ctx, tasks, path, OTHER);
    await refused(() => joined.check(ctx, NOBODY), `process ${NOBODY} is not`);
    await refused(() => joined.check(ctx, NOBODY), "o is not running");
    const error = new Error("it failed");
    const why = EngineError.from(await joined.explain(ctx, error));
    assertEquals(why.message.endsWith("o is not running"), true);
  }));

Deno.test("JoinedNamespace.explain() leaves alone what has another reason", () =>
  inBundle(async (path) => {
    using joined = await JoinedNamespace.open(
      ctx,
      tasksSaying(HERE),
      path,
      OTHER,
    );
    const error = new Error("it failed");
    assertEquals(await joined.explain(ctx, error), error);
  }));

Deno.test({
  name: "JoinedNamespace.check() refuses a process of another namespace",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inBundle(async (path) => {
      using joined = await JoinedNamespace.open(
        ctx,
        tasksSaying(HERE),
        path,
        OTHER,
      );
      const child = new Deno.Command("unshare", {
        args: ["--pid", "--fork", "--kill-child", "sh", "-c", "echo; sleep 60"],
        stdout: "piped",
      }).spawn();
      try {
        for await (const _ready of child.stdout) break;
        const tasks = `/proc/${child.pid}/task/${child.pid}/children`;
        const first = Number(await Deno.readTextFile(tasks));
        await refused(() => joined.check(ctx, first), "is not seen here");
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
    }),
});
