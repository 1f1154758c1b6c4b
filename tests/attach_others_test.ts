/** Attaching to containers that containerd's own client has started. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";

const IMAGE = `docker.io/library/${REMOTE_IMAGE}`;
/** What is written before ctr has left is its own to show. */
const WAIT = "until [ -e /go ]; do sleep 0.1; done; ";
const ASK = "while read x; do echo got $x; [ $x = stop ] && exit 7; done";

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address attach shows what ctr has started by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("all that it writes, on both streams", () => both(store));
      await t.step("as fast as it is taken", () => much(store));
      await t.step("and sends input", () => input(store));
      await t.step("by a terminal", () => typed(store));
      await t.step("unless somebody reads it", () => read(store));
      await t.step("or it goes elsewhere", () => elsewhere(store));
    },
  });
}

async function both(store: RemoteStore): Promise<void> {
  const script = "read x; echo out; echo err >&2; exit 3";
  await using task = await start(store, "both", ["-d"], script);
  const call = store.call(["attach", "both"], { stdin: "go\n" });
  const { code, stdout, stderr } = await call;
  const shown = { code, stdout, stderr };
  assertEquals(shown, { code: 3, stdout: "out\n", stderr: "err\n" });
  await task.ended();
}

/** More than pipes hold: it waits for who attaches. */
async function much(store: RemoteStore): Promise<void> {
  await using task = await start(
    store,
    "much",
    ["-d"],
    `${WAIT}seq 300000; exit 4`,
  );
  await store.ok("exec", "much", "touch", "/go");
  const { code, stdout } = await store.call(["attach", "--no-stdin", "much"]);
  const lines = stdout.split("\n");
  assertEquals([code, lines.length, lines.at(-2)], [4, 300_001, "300000"]);
  await task.ended();
}

async function input(store: RemoteStore): Promise<void> {
  await using _task = await start(store, "asks", ["-d"], ASK);
  const stdin = "a\nstop\n";
  const { code, stdout } = await store.call(["attach", "asks"], { stdin });
  assertEquals({ code, stdout }, { code: 7, stdout: "got a\ngot stop\n" });
}

async function typed(store: RemoteStore): Promise<void> {
  await using _task = await start(store, "typed", ["-d", "-t"], ASK);
  const { code, shown } = await inTerminal(store, ["attach", "typed"], [
    { seen: "", type: "b\n" },
    { seen: "got b", type: "stop\n" },
  ]);
  assertStringIncludes(shown, "got stop");
  assertEquals(code, 7);
}

/** Each reader would get a part. */
async function read(store: RemoteStore): Promise<void> {
  await using _task = await start(store, "read", [], "sleep 1000");
  await until("its start", () => isRunning(store, "read"));
  const { code, stderr } = await store.call(["attach", "read"]);
  assertEquals(code, 1);
  const error = /container "read": "ctr", process \d+, reads what it writes/;
  assertEquals(error.test(stderr), true, stderr);
}

async function elsewhere(store: RemoteStore): Promise<void> {
  const log = `file://${store.dir}/log`;
  const flags = ["-d", "--log-uri", log];
  await using _logged = await start(store, "logged", flags, "sleep 1000");
  await using _mute = await start(
    store,
    "mute",
    ["-d", "--null-io"],
    "sleep 1000",
  );
  const say = async (name: string) => {
    const { code, stderr } = await store.call(["attach", name]);
    assertEquals(code, 1);
    return stderr;
  };
  assertStringIncludes(await say("logged"), `it writes to "${log}"`);
  assertStringIncludes(await say("mute"), "nobody here reads its output");
}

interface OthersTask extends AsyncDisposable {
  ended(): Promise<void>;
}

/** Of `ctr run`; its terminal, if it has one, is that of `script`. */
async function start(
  store: RemoteStore,
  id: string,
  flags: readonly string[],
  script: string,
): Promise<OthersTask> {
  const run = ["run", ...flags, IMAGE, id, "sh", "-c", script];
  const args = ["-a", store.address, ...run];
  const words = ["ctr", ...args].map((word) => `'${word}'`).join(" ");
  const [program, ...rest] = flags.includes("-t")
    ? ["script", "-qec", words, "/dev/null"]
    : ["ctr", ...args];
  const process = new Deno.Command(program ?? "", {
    args: rest,
    // At its end `script` would type an end, which ctr would pass on.
    stdin: flags.includes("-t") ? "piped" : "null",
    ...{ stdout: "null", stderr: "inherit" },
  }).spawn();
  if (flags.includes("-d")) assertEquals((await process.status).code, 0);
  if (flags.includes("-t")) await process.stdin.close();
  return {
    ended: () => until("its end", async () => !await isRunning(store, id)),
    [Symbol.asyncDispose]: async () => {
      await ctr(store, "tasks", "rm", "-f", id);
      await process.status;
      await ctr(store, "containers", "rm", id);
    },
  };
}

async function isRunning(store: RemoteStore, id: string): Promise<boolean> {
  return new RegExp(`^${id}\\s.*RUNNING`, "m")
    .test(await ctr(store, "tasks", "ls"));
}

async function ctr(
  { address }: RemoteStore,
  ...args: readonly string[]
): Promise<string> {
  const { stdout } = await new Deno.Command("ctr", {
    args: ["-a", address, ...args],
    ...{ stdin: "null", stderr: "null" },
  }).output();
  return new TextDecoder().decode(stdout);
}
