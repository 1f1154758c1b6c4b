/** What a pull through a socket leaves that is killed. */

import { assertEquals } from "@std/assert";
import { makeImage, upload } from "./pull_support.ts";
import { openDaemon } from "./support/daemon.ts";
import { PROGRAM } from "./support/program.ts";
import { until } from "./support/processes.ts";
import { rawTar } from "./support/raw_tar.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const LAYERS = 4;
const LAYER_BYTES = 16 * 1024 * 1024;

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

Deno.test({
  name: "our daemon ends the leases of a command that was killed",
  ignore: Deno.uid() !== 0 || !hasRegistry(),
  fn: async () => {
    await using registry = await startRegistry();
    await using daemon = await openDaemon();
    const name = await uploadLarge(registry.host);
    const [program, ...args] = PROGRAM;
    const flags = [
      ...["--root", `${daemon.dir}/client/root`],
      ...["--state", `${daemon.dir}/client/state`],
      ...["--address", daemon.address, "--namespace", daemon.namespace],
    ];
    const child = new Deno.Command(program, {
      args: [...args, ...flags, "pull", "--quiet", name],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const leases = () => daemon.expectCtr("leases", "ls", "-q");
    await until("its lease", async () => await leases() !== "");
    child.kill("SIGKILL");
    assertEquals((await child.status).signal, "SIGKILL");
    assertEquals(await leases() !== "", true);
    // A collection follows when something is deleted.
    await daemon.expectCtr("leases", "create", "--id", "mine");
    await daemon.expectCtr("leases", "delete", "mine");
    await until("its end", async () => await leases() === "");
  },
});
