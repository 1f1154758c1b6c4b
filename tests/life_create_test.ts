/** Containers as records: made, shown, changed, removed, not yet kept. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { switchOff } from "./support/reboot.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { programCommand } from "./support/program.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const field = (store: RunStore, name: string, template: string) =>
  ok(store, "container", "inspect", "--format", template, name);

/** Counts its starts. */
const SCRIPT =
  "touch /been; ls /been* | wc -l; touch /been2; cat /etc/hostname";

Deno.test({
  name: "coracle create, start -a, rename, update, rm",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();

    await t.step("create makes a container that start runs twice", async () => {
      const id = await ok(
        store,
        "create",
        "--name",
        "web",
        IMAGE,
        "sh",
        "-c",
        SCRIPT,
      );
      assertEquals(id.length, 64);
      assertStringIncludes(await ok(store, "ps", "-a"), "Created");
      assertEquals(await ok(store, "ps", "-q"), "");
      const first = await ok(store, "start", "-a", "web");
      assertEquals(first, `1\n${id.slice(0, 12)}`);
      // Its layer and its files are those of the first time.
      const second = await ok(store, "start", "--attach", id.slice(0, 6));
      assertEquals(second, `2\n${id.slice(0, 12)}`);
      assertStringIncludes(await ok(store, "ps", "-a"), "Exited (0)");
      assertEquals(await ok(store, "wait", "web"), "0");
      assertEquals(await ok(store, "rm", "web"), "web");
      assertEquals(await store.leftovers(), []);
    });

    await t.step("start -a gives the command's exit code", async () => {
      await ok(store, "create", "--name", "web", IMAGE, "sh", "-c", "exit 5");
      assertEquals((await store.call(["start", "-a", "web"])).code, 5);
      const state = await field(store, "web", "{{json .State}}");
      const { Status, ExitCode, StartedAt, FinishedAt } = JSON.parse(state);
      assertEquals([Status, ExitCode], ["exited", 5]);
      assert(StartedAt < FinishedAt, `${StartedAt} ${FinishedAt}`);
      assertEquals(await ok(store, "wait", "web"), "5");
      await ok(store, "rm", "web");
    });

    await t.step("a command that isn't there fails at the start", async () => {
      await ok(store, "create", "--name", "web", IMAGE, "nonexist");
      assertEquals((await store.call(["start", "-a", "web"])).code, 127);
      assertEquals(await field(store, "web", "{{.State.Status}}"), "created");
      assertEquals(await field(store, "web", "{{.State.ExitCode}}"), "127");
      await ok(store, "rm", "web");
    });

    await t.step("what fails or is refused reserves no name", async () => {
      const failing = [
        ["run", "--name", "web", "--user", "nobody-here", IMAGE, "true"],
        ["run", "-d", "--name", "web", "-v", "/nowhere/a:b:c", IMAGE, "true"],
        ["run", "--rm", "--name", "web", IMAGE, "nonexist"],
        ["run", "-d", "--rm", "--name", "web", IMAGE, "nonexist"],
        ["create", "--name", "web", "--rootfs", "/nowhere", "true"],
        [
          ...["create", "--name", "web", "--mount"],
          ...["type=bind,src=/nowhere,dst=/x", IMAGE, "true"],
        ],
      ];
      for (const args of failing) {
        assert((await store.call(args)).code > 0, args.join(" "));
        assertEquals(await ok(store, "ps", "-aq"), "", args.join(" "));
      }
      assertEquals(await store.leftovers(), []);
    });

    await t.step("a name is taken by one container only", async () => {
      const id = await ok(store, "create", "--name", "web", IMAGE);
      const again = await store.call(["create", "--name", "web", IMAGE]);
      assertEquals(again.code, 1);
      assertStringIncludes(
        again.stderr,
        `The container name "/web" is already in use by container "${id}"`,
      );
      const both = await Promise.all(
        ["a", "b"].map(() =>
          store.call(["create", "--name", "boat", IMAGE, "true"])
        ),
      );
      assertEquals(both.map(({ code }) => code).sort(), [0, 1]);
      const rename = await store.call(["rename", "web", "boat"]);
      assertEquals(rename.code, 1);
      assertStringIncludes(rename.stderr, `"/boat" is already in use`);
      await ok(store, "rename", "web", "ship");
      assertEquals(await field(store, "ship", "{{.Name}}"), "/ship");
      const { code, stdout, stderr } = await store.call([
        ...["rm", "ship", "nobody", "boat"],
      ]);
      assertEquals([code, stdout], [1, "ship\nboat\n"]);
      assertStringIncludes(stderr, "nobody");
      assertEquals(await store.leftovers(), []);
    });

    await t.step("update changes the next start", async () => {
      await ok(store, "create", "--name", "web", "-m", "64m", IMAGE, "true");
      assertEquals((await store.call(["update", "web"])).code, 1);
      const tooMany = await store.call(["update", "--cpus", "4096", "web"]);
      assertEquals(tooMany.code, 1);
      assertStringIncludes(tooMany.stderr, "Range of CPUs is from 0.01 to ");
      const changes = ["--memory", "32m", "--memory-swap", "-1"];
      await ok(store, "update", ...changes, "--restart", "always", "web");
      const { Memory, RestartPolicy } = JSON.parse(
        await field(store, "web", "{{json .HostConfig}}"),
      );
      assertEquals(Memory, 32 * 1024 * 1024);
      assertEquals(RestartPolicy.Name, "always");
      await ok(store, "rm", "web");
    });

    await t.step(
      "one that does not run can't be killed or paused",
      async () => {
        await ok(store, "create", "--name", "web", IMAGE, "true");
        for (const verb of ["kill", "pause", "unpause"]) {
          const { code, stderr } = await store.call([verb, "web"]);
          assertEquals(code, 1, verb);
          assertStringIncludes(stderr, "is not running");
        }
        assertEquals(await ok(store, "stop", "web"), "web");
        await ok(store, "rm", "web");
      },
    );

    await t.step("ps filters, and container prune removes", async () => {
      await ok(store, "create", "--name", "one", "-l", "deck=a", IMAGE, "true");
      await ok(
        store,
        "create",
        "--name",
        "two",
        "-v",
        "hold:/h",
        IMAGE,
        "true",
      );
      await ok(store, "start", "-a", "two");
      const list = (...filters: string[]) =>
        ok(
          store,
          ...["ps", "-a", "--format", "{{.Names}}"],
          ...filters.flatMap((filter) => ["-f", filter]),
        );
      assertEquals(await list(), "two\none");
      assertEquals(await list("status=created"), "one");
      assertEquals(await list("status=exited", "status=created"), "two\none");
      assertEquals(await list("exited=0"), "two");
      assertEquals(await list("label=deck"), "one");
      assertEquals(await list("volume=hold"), "two");
      assertEquals(await list("volume=/h"), "two");
      assertEquals(await list("before=two"), "one");
      assertEquals(await list("since=one"), "two");
      assertEquals(await list("network=host", "name=^tw"), "two");
      assertEquals(await list("health=healthy"), "");
      const odd = await store.call(["ps", "-f", "status=sailing"]);
      assertEquals(odd.code, 1);
      const pruned = await ok(store, "container", "prune", "--force");
      assertStringIncludes(pruned, "Deleted Containers:");
      assertStringIncludes(pruned, "Total reclaimed space:");
      assertEquals(await list(), "");
    });
  },
});

/** Topics of tasks and containers, in order. */
async function topics(store: RunStore): Promise<readonly string[]> {
  const text = await ok(
    store,
    ...["events", "--since", "1h", "--until", "0s", "--format"],
    "{{.Topic}}",
  );
  return text.split("\n").filter((topic) =>
    /^\/(tasks|containers)\//.test(topic) && topic !== "/containers/update"
  );
}

Deno.test({
  name: "events of a container in the foreground come once and in order",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    assertEquals((await store.run([IMAGE, "true"])).code, 0);
    const life = [
      "/containers/create",
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
      "/containers/delete",
    ];
    assertEquals(await topics(store), life);
  },
});

Deno.test({
  name: "after a reboot what ran is known to have ended",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const shell = [IMAGE, "sh", "-c", "echo up; sleep 1000"];
    const args = [...store.flags, "run", "--name", "web", ...shell];
    const child = programCommand(args, {
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await untilRecorded(store, "web");
    child.kill("SIGKILL");
    await Promise.all([child.status, reader.cancel()]);
    // Nothing runs any more, as after a reboot, and no bundle is left.
    await switchOff(store);
    const { stderr } = await store.call(["ps", "-a"]);
    assertEquals(stderr, "");
    const state = JSON.parse(await field(store, "web", "{{json .State}}"));
    assertEquals(
      [state.Status, state.ExitCode, state.ExitCodeGuessed],
      ["exited", 137, true],
    );
    const before = state.FinishedAt;
    assertEquals(await field(store, "web", "{{.State.FinishedAt}}"), before);
    await ok(store, "rm", "web");
    assertEquals(await store.leftovers(), []);
  },
});

/** The container may speak before its record says that it runs. */
async function untilRecorded(store: RunStore, name: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const topics = await ok(
      store,
      ...["events", "--since", "1h", "--until", "0s"],
      ...["--filter", "topic=/containers/update"],
    );
    if (topics !== "") return;
  }
  throw new Error(`container ${name} was not recorded`);
}
