/** `coracle diff`, `commit` and `export`: what a container has changed. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { coracle } from "./support/coracle.ts";
import { writeRootArchive } from "./support/import_busybox.ts";
import { openRunStore, type RunStore } from "./support/run_store.ts";

const BASE = "local/base:1";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const inspect = async (store: RunStore, name: string) =>
  JSON.parse(await ok(store, "image", "inspect", name))[0];

const SCRIPT = `mkdir -p /new/in; echo f >/new/in/f; echo c >>/etc/group
  rm /etc/passwd; rm -r /home; chmod 700 /data; ln -s /etc/group /new/link
  echo up; exec sleep 1000`;

const LINES = [
  ...["C /data", "C /etc", "C /etc/group", "D /etc/passwd", "D /home"],
  ...["A /new", "A /new/in", "A /new/in/f", "A /new/link", "A /hold"],
].sort();

async function untilSaid(store: RunStore, word: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await ok(store, "logs", "web")).includes(word)) return;
  }
  throw new Error(`the container did not say "${word}"`);
}

const STEPS: Readonly<Record<string, (store: RunStore) => Promise<void>>> = {
  "diff names what is added, changed and deleted": async (store) => {
    const lines = (await ok(store, "diff", "web")).split("\n");
    assertEquals(lines.toSorted(), LINES);
    // A directory comes before what is in it.
    assert(lines.indexOf("A /new") < lines.indexOf("A /new/in/f"));
    await ok(store, "create", "--name", "still", BASE);
    assertEquals(await ok(store, "diff", "still"), "");
    await ok(store, "rm", "still");
  },

  "diff says nothing of what the engine made to mount there": async (store) => {
    // Its image has neither /etc nor /dev nor /proc.
    await Deno.mkdir(`${store.dir}/bare/bin`, { recursive: true });
    await Deno.copyFile("/bin/busybox", `${store.dir}/bare/bin/sh`);
    await tar("-C", `${store.dir}/bare`, "-cf", `${store.dir}/bare.tar`, ".");
    await ok(store, "import", `${store.dir}/bare.tar`, "local/bare:1");
    const run = async (...options: string[]) =>
      await ok(
        store,
        ...["run", "--name", "bare", ...options, "local/bare:1"],
        ...["/bin/sh", "-c", ":"],
      );
    await run();
    assertEquals(await ok(store, "diff", "bare"), "");
    await ok(store, "commit", "bare", "local/bare:2");
    const files = `${store.dir}/bare-2.tar`;
    await ok(store, "create", "--name", "copy", "local/bare:2", "/bin/sh");
    await ok(store, "export", "copy", "-o", files);
    const names = await tar("-tf", files);
    assert(!names.some((name) => name.startsWith("etc")), names.join(" "));
    await ok(store, "rm", "copy");
    await ok(store, "rm", "bare");
    await run("-v", "hold:/etc/own");
    // The user asked for a place there.
    assertEquals(await ok(store, "diff", "bare"), "A /etc\nA /etc/own");
    await ok(store, "rm", "bare");
  },

  "diff and commit need a layer": async (store) => {
    const plain = ["create", "--name", "plain", "--rootfs", store.dir, "true"];
    await ok(store, ...plain);
    for (const verb of ["diff", "commit"]) {
      const { code, stderr } = await store.call([verb, "plain"]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, 'container "plain"');
    }
    await ok(store, "rm", "plain");
    assertEquals((await store.call(["diff", "nobody"])).code, 1);
  },

  "commit makes an image that runs": async (store) => {
    const id = await ok(
      store,
      ...["commit", "-m", "message", "--author", "Jane", "-c"],
      ...['CMD ["cat","/new/in/f"]', "-c", "ENV MORE=yes", "web", "kept"],
    );
    assert(/^sha256:[0-9a-f]{64}$/.test(id), id);
    assertEquals(await ok(store, "run", "--rm", "kept"), "f");
    const shown = await ok(
      store,
      ...["run", "--rm", "kept", "sh", "-c"],
      "echo $MORE $FROM; ls /; ls -l /etc /new; id -u",
    );
    assertStringIncludes(shown, "yes import");
    for (const gone of ["passwd", "home"]) {
      assertEquals(shown.includes(gone), false, shown);
    }
    const { Author, Config, RootFS } = await inspect(store, "kept");
    assertEquals(Author, "Jane");
    assertEquals(Config.Labels, { deck: "a" });
    assertEquals(RootFS.Layers.length, 2);
    assertEquals(
      Config.Env.filter((text: string) => /^(HOSTNAME|HOME)=/.test(text)),
      [],
    );
    assertStringIncludes(await ok(store, "history", "kept"), "message");
    assertEquals(await ok(store, "images", "-q", "--no-trunc", "kept"), id);
    assertStringIncludes(await ok(store, "ps"), "Up");
  },

  "commit keeps what the container was made with": async (store) => {
    const make = ["create", "--name", "made", "--user", "7:8", "-w", "/tmp"];
    const more = ["--stop-signal", "INT", "--health-cmd", "true"];
    await ok(
      store,
      ...make,
      ...more,
      "-e",
      "E=f",
      "-e",
      "HOME=/sea",
      BASE,
      "echo",
      "aye",
    );
    await ok(store, "commit", "made", "made");
    await ok(store, "rm", "made");
    await ok(store, "create", "--name", "like", "made");
    const { Config } = JSON.parse(await ok(store, "inspect", "like"))[0];
    const { User, WorkingDir, StopSignal, Healthcheck, Cmd, Env } = Config;
    assertEquals(
      [User, WorkingDir, StopSignal, Healthcheck.Test, Cmd],
      ["7:8", "/tmp", "SIGINT", ["CMD-SHELL", "true"], ["echo", "aye"]],
    );
    // What is asked for is kept, though a container has some of it anyway.
    for (const asked of ["E=f", "HOME=/sea"]) assert(Env.includes(asked), Env);
    await ok(store, "rm", "like");
  },

  "commit pauses, unless told not to": async (store) => {
    const since = new Date().toISOString();
    const topics = async () => {
      const all = await ok(
        store,
        ...["events", "--since", since, "--until", "0s"],
        ...["--format", "{{.Topic}}"],
      );
      return all.split("\n").filter((topic) => /paused|resumed/.test(topic));
    };
    await ok(store, "commit", "--pause=false", "web");
    assertEquals(await topics(), []);
    await ok(store, "commit", "web");
    assertEquals(await topics(), ["/tasks/paused", "/tasks/resumed"]);
    await ok(store, "pause", "web");
    await ok(store, "commit", "web");
    assertStringIncludes(await ok(store, "ps"), "(Paused)");
    await ok(store, "unpause", "web");
  },

  "commit of what did not change adds no layer": async (store) => {
    await ok(store, "create", "--name", "still", BASE);
    await ok(store, "commit", "still", "same");
    assertEquals((await inspect(store, "same")).RootFS.Layers.length, 1);
    await ok(store, "rm", "still");
  },

  "commit outlives the name of its image, and says when it can't": async (
    store,
  ) => {
    await ok(store, "tag", BASE, "local/other:1");
    await ok(store, "rmi", "-f", BASE);
    await ok(store, "commit", "web", "kept:2");
    // Its own image's settings, not those of another one of the same layers.
    const { Config } = await inspect(store, "kept:2");
    assertEquals([Config.StopSignal, Config.User], [undefined, ""]);
    const runIt = ["run", "--rm", "--pull", "never", "kept:2"];
    assertEquals(await ok(store, ...runIt, "true"), "");
    const bad = await store.call([
      "commit",
      "web",
      `a@sha256:${"0".repeat(64)}`,
    ]);
    assertEquals(bad.code, 1);
    const change = await store.call(["commit", "-c", "FLY high", "web"]);
    assertEquals(change.code, 1);
    const { code, stdout } = await store.call(["fsck"]);
    assertEquals(code, 0, stdout);
  },

  "export writes the whole root file system": async (store) => {
    const file = `${store.dir}/export.tar`;
    await ok(store, "export", "-o", file, "web");
    const listed = await tar("tf", file);
    for (const name of ["bin/busybox", "new/in/f", "data/", "hold/"]) {
      assert(listed.includes(name), `${name}: ${listed}`);
    }
    for (const name of ["etc/passwd", "home/", "hold/secret", "proc/1/"]) {
      assertEquals(listed.includes(name), false, name);
    }
    await ok(store, "stop", "-t", "0", "web");
    await ok(store, "export", "--output", file, "web");
    assertEquals(await tar("tf", file), listed);
    const nowhere = await store.call(["export", "-o", "/none/x", "web"]);
    assertEquals(nowhere.code, 1);
    await ok(store, "import", file, "again");
    assertEquals(
      await ok(store, "run", "--rm", "again", "cat", "/new/in/f"),
      "f",
    );
  },

  "diff, commit and export see a stopped container, too": async (store) => {
    const lines = (await ok(store, "diff", "web")).split("\n");
    assertEquals(lines.toSorted(), LINES);
    await ok(store, "commit", "web", "stopped");
    const cat = ["run", "--rm", "stopped", "cat", "/new/in/f"];
    assertEquals(await ok(store, ...cat), "f");
  },
};

async function tar(...args: string[]): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command("tar", { args }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

for (const snapshotter of ["overlayfs", "native"]) {
  Deno.test({
    name: `coracle diff, commit and export on ${snapshotter}`,
    ignore: Deno.uid() !== 0,
    fn: async (t) => {
      await using opened = await openRunStore();
      const store = withFlags(opened, "--snapshotter", snapshotter);
      const archive = `${store.dir}/root.tar`;
      await writeRootArchive(archive);
      const change = ["-c", "ENV FROM=import", "-c", 'CMD ["sh"]'];
      await ok(store, "import", ...change, archive, BASE);
      const run = ["run", "-d", "--name", "web", "-l", "deck=a"];

      await ok(
        store,
        ...[...run, "-v", "hold:/hold", BASE, "sh", "-c"],
        `echo s >/hold/secret; ${SCRIPT}`,
      );
      try {
        await untilSaid(store, "up");
        for (const [name, step] of Object.entries(STEPS)) {
          await t.step(name, () => step(store));
        }
      } finally {
        await store.call(["rm", "-f", "web"]);
      }
      const volumes = `${store.dir}/root/volumes`;
      await Deno.remove(volumes, { recursive: true });
      const left = await store.leftovers();
      // Images have snapshots of their own.
      assertEquals(left.filter((path) => !path.includes("/snapshots/")), []);
    },
  });
}

function withFlags(store: RunStore, ...flags: string[]): RunStore {
  const all = [...store.flags, ...flags];
  return {
    ...store,
    flags: all,
    call: (args, options) => coracle([...all, ...args], options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
