/** `--runtime` through a daemon's socket: OCI runtimes by name and path. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";

interface Runtime {
  readonly path: string;
  /** How many containers it was told to start. */
  starts(): Promise<number>;
}

/** Runc, which writes down each call. */
async function makeRuntime({ dir }: RemoteStore): Promise<Runtime> {
  const [path, log] = [`${dir}/runtime`, `${dir}/runtime.log`];
  const script = `#!/bin/sh\necho "$@" >> ${log}\nexec runc "$@"\n`;
  await Deno.writeTextFile(path, script, { mode: 0o755 });
  const starts = async () => {
    const text = await Deno.readTextFile(log).catch(() => "");
    return text.split("\n").filter((line) => / start /.test(line)).length;
  };
  return { path, starts };
}

async function byPath(store: RemoteStore): Promise<void> {
  const { ok } = store;
  const { path, starts } = await makeRuntime(store);
  const run = ["--runtime", path, REMOTE_IMAGE];
  assertEquals(await ok("run", "--rm", ...run, "echo", "said"), "said\n");
  assertEquals(await starts(), 1);
  await ok("create", "--name", "shown", ...run);
  const shown = "{{.Runtime}} {{.HostConfig.Runtime}}";
  const format = ["--format", shown, "shown"];
  assertEquals(await ok("inspect", ...format), `${path} ${path}\n`);
  await ok("rm", "shown");
  const always = ["--name", "again", "--restart", "always"];
  await ok("run", "-d", ...always, ...run, "sh", "-c", "sleep 0.3; exit 3");
  await until("a restart", async () => await starts() > 2);
  await ok("stop", "-t", "0", "again");
  const before = await starts();
  await ok("start", "again");
  assert(await starts() > before);
  await ok("rm", "-f", "again");
}

async function byName({ ok }: RemoteStore): Promise<void> {
  for (const name of ["runc", "io.containerd.runc.v2"]) {
    const said = await ok("run", "--rm", "--runtime", name, REMOTE_IMAGE, "id");
    assertStringIncludes(said, "uid=0");
  }
}

/** Whether it would be the shim's to find, or the daemon's. */
async function missing({ ok, call }: RemoteStore): Promise<void> {
  for (
    const [runtime, what] of [
      ["nonesuch", 'OCI runtime "nonesuch"'],
      ["/nonesuch/runc", 'OCI runtime "/nonesuch/runc"'],
      ["io.example.nonesuch.v1", 'shim "containerd-shim-nonesuch-v1"'],
    ] as const
  ) {
    const run = ["run", "--rm", "--runtime", runtime, REMOTE_IMAGE, "true"];
    const { code, stderr } = await call(run);
    assertEquals(code, 125, stderr);
    assertEquals(
      stderr,
      `coracle: Cannot find ${what}\nhint: Install it where the daemon finds ` +
        "its programs, or name another with --runtime\n",
    );
  }
  assertEquals((await ok("ps", "-aq")).trim(), "");
}

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run --runtime has ${name} use it`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("by its path", () => byPath(store));
      await t.step("by its name", () => byName(store));
      await t.step("unless it is missing", () => missing(store));
    },
  });
}
