/** What shims say is in the daemon's log. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { until } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { isThere } from "../src/sys/is_there.ts";

const FOREIGN_SHIM = "/usr/bin/containerd-shim-runc-v2";
const ignore = !hasContainerd();

async function run(
  daemon: Daemon,
  id: string,
  ...flags: readonly string[]
): Promise<void> {
  const root = `${daemon.dir}/rootfs-${id}`;
  writeBusyboxRoot(root);
  const command = ["--rootfs", root, id, "/bin/sleep", "300"];
  await daemon.expectCtr("run", "-d", ...flags, ...command);
}

async function remove(daemon: Daemon, id: string): Promise<void> {
  await daemon.ctr("tasks", "delete", "--force", id);
  await daemon.expectCtr("containers", "rm", id);
}

/** Lines of the daemon's log with a message. */
function linesWith(daemon: Daemon, message: string): readonly string[] {
  return daemon.log().split("\n").filter((line) =>
    line.includes(`msg=${JSON.stringify(message)}`)
  );
}

Deno.test({
  name: "the daemon's log has what its own shims say, also of one it found",
  ignore,
  async fn() {
    await using daemon = await openDaemon();
    const options = `${daemon.dir}/options.toml`;
    await Deno.writeTextFile(options, `Sails = 3\n`);
    const runtime = ["--runtime", "io.containerd.coracle.v1"];
    await run(daemon, "boat", ...runtime, "--runtime-config-path", options);
    const ignoring = "ignoring an option of the runtime's";
    await until("it is said", () => linesWith(daemon, ignoring).length > 0);
    const [line = ""] = linesWith(daemon, ignoring);
    for (
      const part of [
        "level=warn ",
        "id=boat",
        `namespace=${daemon.namespace}`,
        "key=Sails",
        "runtime=io.containerd.coracle.v1",
      ]
    ) assertStringIncludes(line, part);
    await daemon.stop("SIGKILL");
    await daemon.start();
    const gone = "bundle has gone: ending the container";
    assertEquals(linesWith(daemon, gone), []);
    const bundle = `${daemon.dir}/state/bundles/${daemon.namespace}.boat`;
    await Deno.remove(`${bundle}/config.json`);
    await until("the shim says so", () => linesWith(daemon, gone).length > 0);
    assertStringIncludes(linesWith(daemon, gone)[0] ?? "", "id=boat");
    Deno.kill(Number(Deno.readTextFileSync(`${bundle}/shim.pid`)), "SIGKILL");
    await daemon.expectCtr("containers", "rm", "boat");
    await until("the bundle has gone", () => !isThere(bundle));
  },
});

Deno.test({
  name: "the daemon's log has what shims of others say, and all if it is asked",
  ignore: ignore || !isThere(FOREIGN_SHIM),
  async fn() {
    await using daemon = await openDaemon({ args: ["--log-level", "debug"] });
    await run(daemon, "raft", "--runtime", FOREIGN_SHIM);
    const starting = "starting signal loop";
    await until("it is said", () => linesWith(daemon, starting).length > 0);
    const [line = ""] = linesWith(daemon, starting);
    assertStringIncludes(line, "level=info");
    assertStringIncludes(line, "id=raft");
    // It says that only if it is told to debug.
    const debugging = "registering ttrpc service";
    await until("it debugs", () => linesWith(daemon, debugging).length > 0);
    await remove(daemon, "raft");
  },
});
