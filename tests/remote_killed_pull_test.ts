/** Pulls and pushes through a socket that are killed, or whose daemon is. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ContentDefinition } from "../proto/gen/containerd/services/content/v1/content.ts";
import { makeImage, upload } from "./pull_support.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { PROGRAM } from "./support/program.ts";
import { until } from "./support/processes.ts";
import { rawTar } from "./support/raw_tar.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const LAYERS = 4;
const LAYER_BYTES = 16 * 1024 * 1024;
/** More than manifests and configs have. */
const MANIFEST_BYTES = 65_536n;

/** Takes long enough to be caught at it. */
async function uploadLarge(host: string): Promise<string> {
  const layers = Array.from({ length: LAYERS }, (_, index) => {
    const data = new Uint8Array(LAYER_BYTES);
    for (let at = 0; at < data.length; at += 65536) {
      crypto.getRandomValues(data.subarray(at, at + 65536));
    }
    return { tar: rawTar({ name: `file${index}`, data }) };
  });
  await upload(await makeImage(layers), host, "test/large");
  return `${host}/test/large:latest`;
}

/** A command of ours through its socket. */
function begin(daemon: Daemon, ...command: readonly string[]) {
  const [program, ...args] = PROGRAM;
  const flags = [
    ...["--root", `${daemon.dir}/client/root`],
    ...["--state", `${daemon.dir}/client/state`],
    ...["--address", daemon.address, "--namespace", daemon.namespace],
  ];
  return new Deno.Command(program, {
    args: [...args, ...flags, ...command],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function said(child: Deno.ChildProcess): Promise<string> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return `${decoder.decode(stdout)}${decoder.decode(stderr)}${code}`;
}

/** Bytes of a layer have come, and more are to. */
async function untilReceiving(daemon: Daemon): Promise<void> {
  const content = daemon.stub(ContentDefinition);
  const metadata = { "containerd-namespace": daemon.namespace };
  for (;;) {
    const all = { filters: [] };
    const { statuses } = await content.listStatuses(all, { metadata });
    if (statuses.some(({ offset }) => offset > MANIFEST_BYTES)) return;
  }
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test({
    name: `a pull goes on behind a daemon that gets ${signal} and is started`,
    ignore: Deno.uid() !== 0 || !hasRegistry(),
    fn: async () => {
      await using registry = await startRegistry();
      await using daemon = await openDaemon();
      const name = await uploadLarge(registry.host);
      const child = begin(daemon, "pull", "--quiet", name);
      await untilReceiving(daemon);
      await daemon.stop(signal);
      await daemon.start();
      assertMatch(await said(child), /^sha256:[0-9a-f]{64}\n0$/);
      const images = await daemon.expectCtr("images", "check", `name==${name}`);
      assertStringIncludes(images, "complete (5/5)");
      assertEquals(await daemon.expectCtr("leases", "ls", "-q"), "");
    },
  });
}

Deno.test({
  name: "a pull says what there is to do when its daemon does not come back",
  ignore: Deno.uid() !== 0 || !hasRegistry(),
  fn: async () => {
    await using registry = await startRegistry();
    await using daemon = await openDaemon();
    const name = await uploadLarge(registry.host);
    const child = begin(daemon, "pull", "--quiet", name);
    await untilReceiving(daemon);
    await daemon.stop("SIGKILL");
    const text = await said(child);
    await daemon.start();
    assertStringIncludes(text, daemon.address);
    assertStringIncludes(text, "hint: Try again");
  },
});

Deno.test({
  name: "our daemon ends the leases of a command that was killed",
  ignore: Deno.uid() !== 0 || !hasRegistry(),
  fn: async () => {
    await using registry = await startRegistry();
    await using daemon = await openDaemon();
    const name = await uploadLarge(registry.host);
    const child = begin(daemon, "pull", "--quiet", name);
    const leases = () => daemon.expectCtr("leases", "ls", "-q");
    await until("its lease", async () => await leases() !== "");
    child.kill("SIGKILL");
    assertEquals((await child.output()).signal, "SIGKILL");
    assertEquals(await leases() !== "", true);
    // A collection follows when something is deleted.
    await daemon.expectCtr("leases", "create", "--id", "mine");
    await daemon.expectCtr("leases", "delete", "mine");
    await until("its end", async () => await leases() === "");
  },
});
