/** Want of memory, told by the whole program: real limits, real kills. */

import { assertEquals } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

/** Each asks for more than there is. */
const SCRIPTS = {
  "a process other than the first": "tail /dev/zero; exit 3",
  "the first process": "exec tail /dev/zero",
};
const EXIT_CODES: Readonly<Record<string, string>> = {
  "a process other than the first": "3",
  "the first process": "137",
};

async function oomKilled(store: RunStore, name: string): Promise<string> {
  const { stdout } = await store.call(
    ["inspect", "-f", "{{.State.OOMKilled}}", name],
  );
  return stdout.trim();
}

const MOST_LOOKS = 200;

async function untilSaid(store: RunStore, text: string): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { stdout } = await store.call(["logs", "web"]);
    if (stdout.includes(text)) return;
  }
  throw new Error(`The container did not say "${text}"`);
}

/** Topics of the container's events. */
async function topics(store: RunStore, id: string): Promise<readonly string[]> {
  const { stdout } = await store.call(
    ["events", "--since", "1h", "--until", "0s"],
  );
  return stdout.split("\n").filter((line) => line.includes(id))
    .flatMap((line) => / (\/tasks\/\w+) /.exec(line)?.[1] ?? []);
}

/** Whoever waits for the end does not wait until it is told. */
async function topicsToExit(
  store: RunStore,
  id: string,
): Promise<readonly string[]> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const told = await topics(store, id);
    if (told.includes("/tasks/exit")) return told;
  }
  throw new Error("The container's end was not told");
}

Deno.test({
  name: "coracle run -d --memory",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    for (const [what, script] of Object.entries(SCRIPTS)) {
      await t.step(`says that the kernel killed ${what}`, async () => {
        const limit = ["--memory", "16m", "--memory-swap", "16m"];
        const { code, stdout, stderr } = await store.call(
          ["run", "-d", "--name", "web", ...limit, IMAGE, "sh", "-c", script],
        );
        assertEquals(code, 0, stderr);
        const ended = await store.call(["wait", "web"]);
        assertEquals(ended.stdout.trim(), EXIT_CODES[what]);
        assertEquals(await oomKilled(store, "web"), "true");
        const told = await topicsToExit(store, stdout.trim());
        const last = told.filter((topic) => /oom|exit$/.test(topic));
        assertEquals(last, ["/tasks/oom", "/tasks/exit"]);
        await store.call(["rm", "web"]);
      });
    }

    await t.step("says it while the container goes on", async () => {
      const script = "tail /dev/zero; echo over; sleep 1000";
      await store.call(
        ["run", "-d", "--name", "web", "--memory", "16m", "--memory-swap"]
          .concat("16m", IMAGE, "sh", "-c", script),
      );
      const following = store.call(["logs", "-f", "web"]);
      await untilSaid(store, "over");
      assertEquals(await oomKilled(store, "web"), "true");
      await store.call(["restart", "-t", "0", "web"]);
      await store.call(["kill", "web"]);
      await following;
      await store.call(["rm", "web"]);
    });

    await t.step("says it of a limit that came later", async () => {
      const script = "until test -e /go; do sleep 0.05; done; " +
        "tail /dev/zero; echo over; sleep 1000";
      await store.call(
        ["run", "-d", "--name", "web", IMAGE, "sh", "-c", script],
      );
      const limit = ["--memory", "16m", "--memory-swap", "16m"];
      const { code, stderr } = await store.call(["update", ...limit, "web"]);
      assertEquals(code, 0, stderr);
      await store.call(["exec", "web", "touch", "/go"]);
      await untilSaid(store, "over");
      assertEquals(await oomKilled(store, "web"), "true");
      await store.call(["rm", "-f", "web"]);
    });

    for (const [what, script] of Object.entries(SCRIPTS)) {
      for (const streams of ["pipes", "a terminal"]) {
        const name = `says that ${what} was killed in front, with ${streams}`;
        await t.step(name, async () => {
          const { code } = await store.call([
            ...["run", "--name", "web", "--memory", "16m"],
            ...["--memory-swap", "16m"],
            ...streams === "pipes" ? [] : ["--tty"],
            ...[IMAGE, "sh", "-c", script],
          ]);
          assertEquals(String(code), EXIT_CODES[what]);
          assertEquals(await oomKilled(store, "web"), "true");
          const id = await store.call(["ps", "-aq", "--no-trunc"]);
          const told = await topics(store, id.stdout.trim());
          const tasks = ["create", "start", "oom", "exit", "delete"];
          assertEquals(told, tasks.map((topic) => `/tasks/${topic}`));
          await store.call(["rm", "web"]);
        });
      }
    }

    await t.step("does not say it of what was killed otherwise", async () => {
      await store.call(
        ["run", "-d", "--name", "web", "--memory", "16m", IMAGE, "sleep", "99"],
      );
      await store.call(["kill", "web"]);
      await store.call(["wait", "web"]);
      assertEquals(await oomKilled(store, "web"), "false");
      await store.call(["rm", "web"]);
      assertEquals(await store.leftovers(), []);
    });
  },
});
