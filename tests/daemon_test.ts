/** The daemon as a whole, as the executable is installed. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { makeUser } from "./rootless_support.ts";
import { API_VERSION } from "../src/app/self.ts";
import { openDaemon } from "./support/daemon.ts";
import { hasDockerd } from "./support/dockerd.ts";
import { buildExecutable } from "./support/executable.ts";

const isRoot = Deno.uid() === 0;
const PAUSE_MS = 20;
const START_MS = 30_000;

Deno.test("the daemon serves until it is told to stop", async () => {
  await using daemon = await openDaemon();
  const { version } = await daemon.stub(VersionDefinition).version({});
  assertEquals(version, API_VERSION);
  assertEquals(await daemon.stop("SIGTERM"), 0);
  assertStringIncludes(daemon.log(), "The daemon serves");
});

Deno.test({
  name: "the executable is a daemon by name, by argument, and for a user",
  ignore: !isRoot,
  async fn(t) {
    await using executable = await buildExecutable();
    await t.step("called containerd, it says so", async () => {
      const said = await asContainerd(executable.path, ["--version"]);
      assertEquals(said, "containerd coracle 0.1.0\n");
    });
    await t.step(
      "an ordinary user's serves in his own directory",
      () => serveForUser(executable.path),
    );
    await t.step({
      name: "dockerd starts it as its containerd",
      ignore: !hasDockerd(),
      fn: () => startByDockerd(executable.path),
    });
  },
});

async function asContainerd(
  executable: string,
  args: readonly string[],
): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-name-" });
  try {
    await Deno.symlink(executable, `${dir}/containerd`);
    const { stdout } = await new Deno.Command(`${dir}/containerd`, {
      args: [...args],
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function serveForUser(executable: string): Promise<void> {
  await using user = await makeUser("ranges");
  const [program = "", ...args] = user.command([executable, "daemon"]);
  const process = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const path = `${user.runtimeDirectory}/coracle/coracle.sock`;
  await waitFor(path);
  const { mode, uid } = await Deno.lstat(path);
  assertEquals([(mode ?? 0) & 0o777, uid], [0o600, user.uid]);
  await using client = new GrpcClient({ path });
  const { version } = await client.stub(VersionDefinition).version({});
  assertEquals(version, API_VERSION);
  process.kill("SIGTERM");
  assertEquals((await process.status).code, 0);
}

/** It looks for `containerd` on its PATH, and writes its configuration. */
async function startByDockerd(executable: string): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-dockerd-" });
  await Deno.mkdir(`${dir}/bin`);
  await Deno.symlink(executable, `${dir}/bin/containerd`);
  await Deno.writeTextFile(`${dir}/daemon.json`, "{}");
  const socket = `${dir}/exec/containerd/containerd.sock`;
  const dockerd = new Deno.Command("/usr/sbin/dockerd", {
    args: [
      ...["--config-file", `${dir}/daemon.json`, "--pidfile", `${dir}/pid`],
      ...["--host", `unix://${dir}/docker.sock`, "--data-root", `${dir}/data`],
      ...["--exec-root", `${dir}/exec`, "--storage-driver", "vfs"],
      ...["--bridge=none", "--iptables=false", "--ip-masq=false"],
    ],
    env: { PATH: `${dir}/bin:${Deno.env.get("PATH")}` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitFor(socket);
    await waitFor(`${dir}/docker.sock`);
    await using client = new GrpcClient({ path: socket });
    const { version } = await client.stub(VersionDefinition).version({});
    assertEquals(version, API_VERSION);
    // It answers when it has seen its containerd serve.
    const { success } = await new Deno.Command("timeout", {
      args: ["30", "docker", "-H", `unix://${dir}/docker.sock`, "info"],
      stdout: "null",
      stderr: "null",
    }).output();
    assertEquals(success, true);
  } finally {
    dockerd.kill("SIGTERM");
    await dockerd.status;
    await new Deno.Command("umount", { args: [`${dir}/data`], stderr: "null" })
      .output();
    await Deno.remove(dir, { recursive: true });
  }
}

async function waitFor(path: string): Promise<void> {
  for (let waited = 0; waited < START_MS; waited += PAUSE_MS) {
    try {
      const connection = await Deno.connect({ transport: "unix", path });
      connection.close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  throw new Error(`Nobody serves at ${path}`);
}
