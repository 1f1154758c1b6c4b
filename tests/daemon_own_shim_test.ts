/** Which program keeps containers of containerd's runtime: the choice. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { argumentsOf, processesWith } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { isThere } from "../src/sys/is_there.ts";

const FOREIGN_SHIM = "/usr/bin/containerd-shim-runc-v2";
const ignore = !hasContainerd() || !isThere(FOREIGN_SHIM);
const FORMER_CHOICE = `version = 2
[plugins."io.containerd.runtime.v2.task"]
  own_shim = false
`;

/** Arguments of the process that keeps a container. */
function shimOf(daemon: Daemon, id: string): string {
  const bundle = `${daemon.dir}/state/bundles/${daemon.namespace}.${id}`;
  const path = `${bundle}/shim.pid`;
  if (isThere(path)) return argumentsOf(Number(Deno.readTextFileSync(path)));
  const of = `-id ${id} -address ${daemon.address}`;
  return processesWith(of).map(argumentsOf).join("\n");
}

async function run(daemon: Daemon, id: string, ...flags: readonly string[]) {
  const root = `${daemon.dir}/rootfs`;
  if (!isThere(root)) writeBusyboxRoot(root);
  const command = ["--rootfs", root, id, "/bin/sleep", "300"];
  await daemon.expectCtr("run", "-d", ...flags, ...command);
}

Deno.test({
  name: "own_shim = false lets containerd's shim keep what names its runtime",
  ignore,
  async fn() {
    const config = await Deno.makeTempFile({ suffix: ".toml" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(config));
    await Deno.writeTextFile(config, FORMER_CHOICE);
    const daemon = stack.use(
      await openDaemon({ args: ["--config", config] }),
    );
    await run(daemon, "theirs");
    assertStringIncludes(shimOf(daemon, "theirs"), FOREIGN_SHIM);
    const exec = ["tasks", "exec", "--exec-id", "e", "theirs", "/bin/echo"];
    assertEquals(await daemon.expectCtr(...exec, "hi"), "hi\n");
    // Who names ours gets it.
    await run(daemon, "ours", "--runtime", "io.containerd.coracle.v1");
    assertStringIncludes(shimOf(daemon, "ours"), "shim spare");
    await Deno.writeTextFile(config, "version = 2\n");
    await daemon.stop("SIGTERM");
    await daemon.start();
    // What runs is kept by whom it was started.
    assertEquals(await daemon.expectCtr(...exec, "still"), "still\n");
    await run(daemon, "later");
    assertStringIncludes(shimOf(daemon, "later"), "shim spare");
    for (const id of ["theirs", "ours", "later"]) {
      await daemon.ctr("tasks", "delete", "--force", id);
      await daemon.expectCtr("containers", "rm", id);
    }
    assert(!daemon.log().includes("Ignored a key"), daemon.log());
    assert(!daemon.log().includes("changes nothing here"), daemon.log());
    assertEquals([...Deno.readDirSync(`${daemon.dir}/state/bundles`)], []);
  },
});
