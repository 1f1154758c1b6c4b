/** What goes on of a detached container when its command has left. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  processesWith,
  programLog,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";

/** Writes a line of each stream when a file says so, then ends. */
const SCRIPT = "echo begun; until [ -e /go ]; do sleep 0.1; done; " +
  "echo out; echo err >&2; exit 4";

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run -d leaves nobody alone with ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("--rm: it is removed when it has ended", async () => {
        await removed(store, "sleep 0.5; exit 3");
      });
      await t.step("--rm: although it has closed its streams", async () => {
        await removed(store, "exec >&- 2>&-; sleep 1");
      });
      await t.step("--rm: although it is over at once", async () => {
        await removed(store, "exit 0");
      });
      await t.step(
        "--rm: although its shim sees its end late",
        () => seenLate(store),
      );
      await t.step("--rm: without a log", async () => {
        await removed(store, "sleep 0.5", "--log-driver", "none");
      });
      await t.step("--rm: killed", async () => {
        const { ok } = store;
        await ok(...runArgs("once", "sleep 1000", "--rm"));
        await ok("kill", "once");
        await until("its removal", () => isEmpty(store));
      });
      await t.step(
        "--rm: by the next command, should the logger die",
        () => loggerKilled(store),
      );
      await t.step(
        "--rm: with a logger of others",
        () => loggedElsewhere(store),
      );
      await t.step("but for a logger that does not start", async () => {
        const log = ["--log-driver", "binary:///nonexistent"];
        const args = runArgs("once", "true", "--rm", ...log);
        const { code, stderr } = await store.call(args);
        assertEquals(code, 125);
        assertStringIncludes(stderr, 'Cannot start logger "binary:///');
        assertEquals(await isEmpty(store), true);
      });
      await t.step(
        "its end is written down, and its log is whole",
        () => finished(store),
      );
      await t.step(
        "attach shows what it writes, and how it ends",
        () => attached(store),
      );
    },
  });
}

function runArgs(
  name: string,
  script: string,
  ...flags: readonly string[]
): readonly string[] {
  const all = ["run", "-d", "--name", name, ...flags, REMOTE_IMAGE];
  return [...all, "sh", "-c", script];
}

/** By another client than ours, which would finish what has ended. */
async function isEmpty({ address }: RemoteStore): Promise<boolean> {
  const { success, stdout } = await new Deno.Command("ctr", {
    args: ["-a", address, "containers", "ls", "-q"],
  }).output();
  return success && stdout.length === 0;
}

async function isEmptyForUs({ ok }: RemoteStore): Promise<boolean> {
  return (await ok("ps", "-aq")).trim() === "";
}

/** Also what is kept of it on this side. */
async function removed(
  store: RemoteStore,
  script: string,
  ...flags: readonly string[]
): Promise<void> {
  const { dir, ok } = store;
  const id = (await ok(...runArgs("once", script, "--rm", ...flags))).trim();
  await until("its removal", () => isEmpty(store));
  await until("the removal of its files", async () => {
    const { success, stdout } = await new Deno.Command("find", {
      args: [dir, "-name", `*${id}*`],
    }).output();
    return success && stdout.length === 0;
  });
}

/** Who asks at once hears that it runs. */
async function seenLate(store: RemoteStore): Promise<void> {
  const { dir, ok } = store;
  await ok(...runArgs("once", "sleep 1000", "--rm"));
  const pid = Number(await ok("inspect", "-f", "{{.State.Pid}}", "once"));
  const shim = await parentOf(pid);
  Deno.kill(shim, "SIGSTOP");
  try {
    Deno.kill(pid, "SIGKILL");
    await until(
      "the logger's command",
      async () => (await processesWith(dir, "reconcile")).length > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
  } finally {
    Deno.kill(shim, "SIGCONT");
  }
  await until("its removal", () => isEmpty(store));
}

async function parentOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(status.match(/^PPid:\s*(\d+)$/m)?.[1]);
}

const LINES = 20_000;

/** Without any further command: the daemon has no task of it any more. */
async function finished({ address, ok }: RemoteStore): Promise<void> {
  const script = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo $i; ` +
    "done; exit 5";
  await ok(...runArgs("ended", script));
  await until("the end of its task", async () => {
    const { success, stdout } = await new Deno.Command("ctr", {
      args: ["-a", address, "tasks", "ls", "-q"],
    }).output();
    return success && stdout.length === 0;
  });
  assertStringIncludes(await ok("ps", "-a"), "Exited (5)");
  const logged = (await ok("logs", "ended")).split("\n");
  assertEquals([logged.length, logged.at(-2)], [LINES + 1, String(LINES)]);
  await ok("rm", "ended");
}

async function loggerKilled(store: RemoteStore): Promise<void> {
  const { ok, dir } = store;
  await ok(...runArgs("once", "sleep 1000", "--rm"));
  const [logger] = await processesWith("shim-log", dir);
  Deno.kill(logger ?? 0, "SIGKILL");
  const pid = await ok("inspect", "--format", "{{.State.Pid}}", "once");
  Deno.kill(Number(pid), "SIGKILL");
  await until("its removal", () => isEmptyForUs(store));
}

/** Its program gets all, also what it is slow to read. */
async function loggedElsewhere(store: RemoteStore): Promise<void> {
  const { ok, call, dir } = store;
  const log = ["--log-driver", programLog(dir, "sleep 0.5")];
  // More than anybody keeps for it.
  const count = 10 * LINES;
  const script = `read x; seq ${count}; echo err >&2; exit 3`;
  await ok(...runArgs("once", script, "--rm", "-i", ...log));
  const { code, stdout } = await call(["attach", "once"], { stdin: "go\n" });
  const lines = stdout.split("\n");
  assertEquals([code, lines.length, lines.at(-2)], [3, count + 1, `${count}`]);
  await until("its removal", () => isEmpty(store));
  await until(
    "all of its log",
    async () => await Deno.readTextFile(`${dir}/log-stdout`) === stdout,
  );
  assertEquals(await Deno.readTextFile(`${dir}/log-stderr`), "err\n");
}

async function attached({ ok, call, dir }: RemoteStore): Promise<void> {
  await ok(...runArgs("web", SCRIPT));
  await until("its log", async () => (await ok("logs", "web")) !== "");
  const both = [call(["attach", "web"]), call(["attach", "web"])];
  // Nobody tells when they are attached.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await Deno.writeTextFile(`${dir}/go`, "");
  await ok("cp", `${dir}/go`, "web:/go");
  for (const { code, stdout, stderr } of await Promise.all(both)) {
    assertEquals([code, stdout, stderr], [4, "out\n", "err\n"]);
  }
  // Also while its logger sees to its end.
  for (let count = 0; count < 3; count++) {
    assertStringIncludes(await ok("ps", "-a"), "Exited (4)");
  }
  await ok("rm", "web");
}
