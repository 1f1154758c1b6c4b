import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openTestStore, type TestStore } from "./support/coracle.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const ignore = Deno.uid() !== 0 || !hasRegistry();

async function importBusybox(store: TestStore, name: string): Promise<void> {
  const root = `${store.dir}/rootfs`;
  await Deno.mkdir(`${root}/bin`, { recursive: true });
  await Deno.copyFile("/bin/busybox", `${root}/bin/busybox`);
  await Deno.symlink("busybox", `${root}/bin/sh`);
  await store.ok(
    "import",
    "-c",
    'CMD ["sh", "-c", "echo from cmd"]',
    root,
    name,
  );
}

Deno.test({
  name: "coracle pushes, forgets, pulls and runs an image",
  ignore,
  fn: async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const name = `${registry.host}/team/base:1`;
    await importBusybox(store, name);
    const pushed = await store.ok("push", name);
    const [, digest = ""] = /digest: (sha256:\w+)/.exec(pushed) ?? [];
    assertEquals(await store.ok("push", "-q", name), `${digest}\n`);
    await store.ok("rmi", name);
    assertEquals(await store.ok("pull", "-q", name), `${digest}\n`);
    assertStringIncludes(
      await store.ok("pull", name),
      `Status: Image is up to date for ${name}\n`,
    );
    await store.ok("rmi", name);
    assertStringIncludes(
      await store.ok("pull", `${registry.host}/team/base@${digest}`),
      `Digest: ${digest}\n`,
    );
    assertMatch(await store.ok("images", "--digests"), new RegExp(digest));
    // A tag that could not be run is not shown.
    await store.ok("pull", "-q", `${name}@${digest}`);
    const tags = await store.ok("images", "--format", "{{.Tag}}");
    assertEquals(tags, "<none>\n<none>\n");
    // Not there by its tag: run gets it.
    const run = await store.call(["run", "--rm", name]);
    assertEquals([run.code, run.stdout], [0, "from cmd\n"]);
    const again = await store.call(["run", "--rm", name, "sh", "-c", "exit 7"]);
    assertEquals([again.code, again.stderr], [7, ""]);
    assertEquals((await store.call(["fsck"])).code, 0);
  },
});

Deno.test({
  name: "coracle logs in, pulls with what it kept, and logs out",
  ignore,
  fn: async () => {
    const account = { username: "me", password: "s3cret" };
    await using registry = await startRegistry({ account });
    await using store = await openTestStore();
    const env = { DOCKER_CONFIG: `${store.dir}/docker` };
    const name = `${registry.host}/private/base:1`;
    await importBusybox(store, name);
    const login = (stdin: string) =>
      store.call(
        ["login", "-u", "me", "--password-stdin", registry.host],
        { stdin, env },
      );
    const refused = await store.call(["push", name], { env });
    assertEquals(refused.code, 1);
    const wrong = await login("wrong");
    assertEquals([wrong.code, wrong.stdout], [1, ""]);
    const right = await login("s3cret\n");
    assertEquals([right.code, right.stdout], [0, "Login Succeeded\n"]);
    const { mode } = await Deno.stat(`${store.dir}/docker/config.json`);
    assertEquals((mode ?? 0) & 0o777, 0o600);
    assertEquals((await store.call(["push", "-q", name], { env })).code, 0);
    const logout = await store.call(["logout", registry.host], { env });
    assertStringIncludes(logout.stdout, "Removed login credentials");
    assertEquals((await store.call(["push", name], { env })).code, 1);
  },
});

Deno.test({
  name: "coracle lists, keeps and removes a container that has ended",
  ignore,
  fn: async () => {
    await using store = await openTestStore();
    await importBusybox(store, "local/base:1");
    const run = await store.call(
      [
        "run",
        "--name",
        "web",
        "-l",
        "tier=x",
        "local/base:1",
        "sh",
        "-c",
        "exit 3",
      ],
    );
    assertEquals(run.code, 3);
    assertEquals(await store.ok("ps", "-q"), "");
    const shown = await store.ok(
      "ps",
      "-a",
      "--format",
      "{{.Names}}|{{.Image}}|{{.State}}|{{.Labels}}|{{.Command}}",
    );
    assertEquals(shown, `web|local/base:1|exited|tier=x|"sh -c 'exit 3'"\n`);
    assertEquals(await store.ok("ps", "-qa", "-f", "exited=0"), "");
    assertEquals(
      await store.ok(
        "inspect",
        "--format",
        "{{.State.ExitCode}} {{.Name}}",
        "web",
      ),
      "3 /web\n",
    );
    const used = await store.call(["rmi", "local/base:1"]);
    assertEquals(used.code, 1);
    assertStringIncludes(used.stderr, "uses image");
    // Also by another name, after the container's own is gone.
    await store.ok("tag", "local/base:1", "other:2");
    await store.ok("rmi", "local/base:1");
    const last = await store.call(["rmi", "other:2"]);
    assertEquals(last.code, 1);
    assertStringIncludes(last.stderr, "uses image");
    await store.ok("image", "prune", "--all", "--force");
    await store.ok("tag", "other:2", "local/base:1");
    await store.ok("rmi", "other:2");
    assertEquals(await store.ok("rm", "web"), "web\n");
    assertEquals((await store.call(["rm", "web"])).code, 1);
    assertEquals((await store.call(["rm", "-f", "web"])).code, 0);
    await store.ok("rmi", "local/base:1");
    assertEquals((await store.call(["fsck"])).code, 0);
  },
});

Deno.test({
  name: "coracle ps finishes a container whose process was killed",
  ignore,
  fn: async () => {
    await using store = await openTestStore();
    await importBusybox(store, "local/base:1");
    const running = store.start(
      [
        "run",
        "--name",
        "web",
        "local/base:1",
        "sh",
        "-c",
        "echo up; sleep 600",
      ],
    );
    const reader = running.stdout.getReader();
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), "up\n");
    assertMatch(await store.ok("ps"), / Up .* web\n$/);
    const refused = await store.call(["rm", "web"]);
    assertStringIncludes(refused.stderr, "it is running");
    running.kill("SIGKILL");
    await reader.cancel();
    await running.status;
    assertEquals(await store.ok("ps", "-q"), "");
    assertStringIncludes(await store.ok("ps", "-a"), "Exited (137)");
    await store.ok("rm", "web");
    assertEquals((await store.call(["fsck"])).code, 0);
  },
});
