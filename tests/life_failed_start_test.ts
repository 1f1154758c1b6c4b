/** Containers whose command can't be started: made all the same. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const NOT_FOUND = `exec: "nonexist": executable file not found in $PATH`;
const DENIED = `exec: "/etc": permission denied`;

/** How long a shim keeps output for whoever is to attach. */
const ATTACH_MS = 10_000;

Deno.test({
  name: "a run whose command can't be started leaves a container",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const cases = [
      { flags: [], command: "nonexist", code: 127, error: NOT_FOUND },
      { flags: ["-d"], command: "nonexist", code: 127, error: NOT_FOUND },
      { flags: [], command: "/etc", code: 126, error: DENIED },
      { flags: ["-d"], command: "/etc", code: 126, error: DENIED },
      {
        flags: ["--restart", "always"],
        command: "nonexist",
        code: 127,
        error: NOT_FOUND,
      },
      // Seen by the runtime only: what is mounted can't be looked into.
      {
        flags: ["--tmpfs", "/mnt"],
        command: "/mnt/tool",
        code: 127,
        error: "/mnt/tool",
      },
      {
        flags: ["-d", "--tmpfs", "/mnt"],
        command: "/mnt/tool",
        code: 127,
        error: "/mnt/tool",
      },
    ];
    for (const { flags, command, code, error } of cases) {
      await t.step(`run ${flags.join(" ")} ${command}`, async () => {
        const cidFile = `${store.dir}/cid`;
        const failed = await store.call([
          ...["run", "--name", "web", "--cidfile", cidFile, ...flags],
          ...[IMAGE, command, "-x"],
        ]);
        assertEquals(failed.code, code, failed.stderr);
        assertStringIncludes(failed.stderr, error);
        const [shown] = JSON.parse(await ok(store, "inspect", "web"));
        const { Status, ExitCode, Error, StartedAt } = shown.State;
        assertEquals([Status, ExitCode], ["created", code]);
        assertStringIncludes(Error, error);
        assert(StartedAt.startsWith("0001-"), StartedAt);
        assertEquals(shown.Id, await Deno.readTextFile(cidFile));
        const said = flags.includes("-d") ? `${shown.Id}\n` : "";
        assertEquals(failed.stdout, said);
        assertEquals([shown.Path, shown.Args], [command, ["-x"]]);
        assertEquals(await ok(store, "ps", "-q"), "");
        assertStringIncludes(await ok(store, "ps", "-a"), "Created");
        // It is whole: it can be started, which fails in the same way.
        const begun = performance.now();
        const again = await store.call(["start", "-a", "web"]);
        assertEquals(again.code, code, again.stderr);
        // A shim that keeps it waits for nobody to attach to it.
        assert(performance.now() - begun < ATTACH_MS);
        await ok(store, "rm", "web");
        assertEquals(await store.leftovers(), []);
        await Deno.remove(cidFile);
      });
    }
  },
});

Deno.test({
  name: "a detached run whose command can't be started tells its id with --rm",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    // As docker does, though that container has gone.
    const failed = await store.run(["-d", IMAGE, "nonexist"]);
    assertEquals(failed.code, 127);
    assertMatch(failed.stdout, /^[0-9a-f]{64}\n$/);
    assertStringIncludes(failed.stderr, NOT_FOUND);
    assertEquals(await store.leftovers(), []);
    // Where none was made there is no id.
    const refused = await store.run(["-d", "--workdir", "x", IMAGE, "true"]);
    assertEquals([refused.code, refused.stdout], [125, ""]);
  },
});

Deno.test({
  name: "a container that could not start does once its command is there",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const failed = await store.call(["run", "--name", "web", IMAGE, "/tool"]);
    assertEquals(failed.code, 127);
    const tool = `${store.dir}/tool`;
    await Deno.writeTextFile(tool, "#!/bin/sh\necho at work\n", {
      mode: 0o755,
    });
    await ok(store, "cp", tool, "web:/tool");
    assertEquals(await ok(store, "start", "-a", "web"), "at work");
    const state = "{{.State.Status}} {{.State.ExitCode}}{{.State.Error}}";
    assertEquals(
      await ok(store, "inspect", "--format", state, "web"),
      "exited 0",
    );
    await ok(store, "rm", "web");
    assertEquals(await store.leftovers(), []);
  },
});

Deno.test({
  name: "a runtime that does nothing, and says nothing, is not the container",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    for (const name of ["runc", "other"]) {
      const runtime = `${store.dir}/${name}`;
      await Deno.writeTextFile(runtime, "#!/bin/sh\nexit 3\n", {
        mode: 0o755,
      });
      const failed = await store.run(["--runtime", runtime, IMAGE, "true"]);
      assertEquals(failed.code, 125, failed.stderr);
      assertStringIncludes(failed.stderr, "it ended with code 3");
    }
    assertEquals(await store.leftovers(), []);
  },
});
