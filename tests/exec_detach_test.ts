/** `exec -it --detach-keys`: its process goes on when its user leaves it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { REMOTE_IMAGE, REMOTE_SERVERS } from "./support/remote_store.ts";
import { inTerminal, type TypingStep } from "./support/remote_terminal.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A store in which a container called `web` runs. */
interface Ship {
  readonly flags: readonly string[];
  call(args: readonly string[]): Promise<Called>;
}

/**
 * Reads a line, then writes more than a pipe holds, which only ends if somebody
 * reads it, and goes on.
 */
const SCRIPT =
  "until stty size 2>&1 | grep 33; do sleep 0.1; done; echo ready; read word; echo got $word; sleep 1; " +
  "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); " +
  "echo 0123456789012345678901234567890123456789 $i; done; " +
  "echo done >/tmp/done; sleep 999";

const LEAVE: readonly TypingStep[] = [
  // The first key alone is meant for the process.
  { seen: "ready", type: "a\x18ye\n" },
  { seen: "got", type: "\x18q" },
];

async function leave(ship: Ship): Promise<void> {
  const { code, shown } = await inTerminal(
    ship,
    [
      ...["exec", "-it", "--detach-keys", "ctrl-x,q", "web"],
      ...["sh", "-c", SCRIPT],
    ],
    LEAVE,
  );
  assertEquals(code, 1, shown);
  assertStringIncludes(shown, "33 77");
  assertStringIncludes(shown, "read escape sequence");
  const written = await poll(() =>
    ship.call(["exec", "web", "cat", "/tmp/done"])
  );
  assertEquals(written, "done\n");
  const top = await ship.call(["top", "web"]);
  assertStringIncludes(top.stdout, "sleep 999", top.stderr);
}

/** Standard output of what succeeds some time. */
async function poll(call: () => Promise<Called>): Promise<string> {
  for (let patience = 100; patience > 0; patience--) {
    const { code, stdout } = await call();
    if (code === 0) return stdout;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("It has not gone on");
}

async function stay(ship: Ship): Promise<void> {
  const { code, shown } = await inTerminal(
    ship,
    ["exec", "-it", "--detach-keys", "ctrl-x,q", "web", "sh"],
    [{ seen: "# ", type: "echo sum=$((40+2)); exit 5\n" }],
  );
  assertStringIncludes(shown, "sum=42");
  assertEquals(code, 5, shown);
}

/** What keeps the streams of processes in a namespace's containers. */
async function keepers(): Promise<number> {
  let count = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    try {
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`);
      if (line.includes("keep-streams")) count++;
    } catch {
      // It is no process, or has ended.
    }
  }
  return count;
}

async function noKeepersLeft(before: number): Promise<void> {
  await poll(async () => {
    const code = await keepers() > before ? 1 : 0;
    return { code, stdout: "", stderr: "" };
  });
}

Deno.test({
  name: "coracle exec -it --detach-keys",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const before = await keepers();
    const args = ["run", "-d", "--name", "web", IMAGE, "sleep", "1000"];
    const { code, stderr } = await store.call(args);
    assertEquals(code, 0, stderr);
    await t.step("leaves its process running", () => leave(store));
    await t.step("gives its exit code if nobody leaves", () => stay(store));
    await store.call(["rm", "-f", "web"]);
    await noKeepersLeft(before);
    assertEquals(await store.leftovers(), []);
  },
});

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address exec -it --detach-keys by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const before = await keepers();
      await store.ok(
        ...["run", "-d", "--name", "web", REMOTE_IMAGE, "sleep", "1000"],
      );
      await t.step("leaves its process running", () => leave(store));
      await t.step("gives its exit code if nobody leaves", () => stay(store));
      await store.ok("rm", "-f", "web");
      await noKeepersLeft(before);
    },
  });
}
