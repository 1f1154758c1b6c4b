/** Commands that reach a daemon's socket, but not its files or processes. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Outcome } from "./support/coracle.ts";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
} from "./support/remote_store.ts";
import { PROGRAM } from "./support/program.ts";

/** What `unshare` makes new. */
const PLACE = {
  mounts: ["--mount"],
  processes: ["--mount", "--pid", "--fork", "--mount-proc"],
};

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address says that it is elsewhere than ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const { ok } = store;
      const forever = [REMOTE_IMAGE, "sleep", "1000"];
      await ok("run", "-d", "--name", "web", ...forever);
      const run = ["run", "--name", "web2"];
      await t.step("run with other files", async () => {
        for (const flag of ["-d", "--rm"]) {
          const args = [...run, flag, REMOTE_IMAGE, "true"];
          const outcome = await elsewhere(store, "mounts", args);
          assertElsewhere(outcome, `does not see "${store.dir}/`);
          if (flag === "-d") await ok("rm", "web2");
        }
        assertEquals((await ok("ps", "-aq")).trim().split("\n").length, 1);
      });
      await t.step("exec with other files", async () => {
        const args = ["exec", "web", "true"];
        const outcome = await elsewhere(store, "mounts", args);
        assertElsewhere(outcome, `does not see "${store.dir}/`);
      });
      await t.step("exec with other processes", async () => {
        const args = ["exec", "web", "true"];
        const outcome = await elsewhere(store, "processes", args);
        assertElsewhere(outcome, "is not seen here");
      });
      await t.step("joining other processes", async () => {
        const args = ["run", "--pid", "container:web", REMOTE_IMAGE, "true"];
        const outcome = await elsewhere(store, "processes", args);
        assertElsewhere(outcome, "is not seen here");
        await ok("rm", (await ok("ps", "-alq")).trim());
      });
      await t.step("others work from there, too", async () => {
        const { code, stdout } = await elsewhere(store, "processes", ["ps"]);
        assertEquals(code, 0);
        assertStringIncludes(stdout, "web");
      });
      await t.step("a failure of another kind is that", async () => {
        const args = [...run, "--rm", REMOTE_IMAGE, "/nonexistent"];
        assertEquals((await elsewhere(store, "mounts", args)).code, 127);
        const { code } = await store.call(["exec", "web", "/nonexistent"]);
        assertEquals(code, 127);
      });
      await t.step("other addresses than sockets are refused", async () => {
        const outcome = await store.call(["--address", "tcp://[::1]:1", "ps"]);
        assertEquals(outcome.code, 125);
        assertStringIncludes(outcome.stderr, '"tcp://[::1]:1"');
        assertStringIncludes(outcome.stderr, "on this machine");
      });
    },
  });
}

function assertElsewhere({ code, stderr }: Outcome, said: string): void {
  assertEquals(code, 125, stderr);
  assertStringIncludes(stderr, said);
  assertStringIncludes(stderr, "on this machine");
}

/** With an empty directory where the commands keep what they share. */
async function elsewhere(
  { dir, flags }: RemoteStore,
  place: keyof typeof PLACE,
  args: readonly string[],
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: [
      ...["30", "unshare", ...PLACE[place]],
      ...["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', dir],
      ...[...PROGRAM, ...flags, ...args],
    ],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
