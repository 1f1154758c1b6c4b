/** Our shim telling of events by containerd's program, where there is no ttrpc. */

import { assertEquals } from "@std/assert";
import { remoteShim } from "../src/api/remote/shim_task.ts";
import { background } from "../src/base/context.ts";
import { TtrpcClient } from "../src/rpc/ttrpc/client.ts";
import { openForeignBundles } from "./support/foreign_bundle.ts";
import { until } from "./support/processes.ts";
import { PROGRAM } from "./support/program.ts";

const SHIM = "io.containerd.coracle.v1";
const init = { id: "boat", execId: "" };

Deno.test({
  name: "coracle shim publishes by -publish-binary, in order",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using bundles = await openForeignBundles(SHIM);
    const { dir, namespace } = bundles;
    // What it is told by, and how many bytes of event it reads.
    const program = `${dir}/publish`;
    const told = `${dir}/told`;
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\necho "$* $(($(wc -c) > 0))" >> ${told}\n`,
      { mode: 0o755 },
    );
    using bundle = await bundles.make(init.id, {
      args: ["sh", "-c", "exit 7"],
    });
    const [path, ...first] = PROGRAM;
    const { code, stdout, stderr } = await new Deno.Command(path, {
      args: [
        ...[...first, "shim", "-namespace", namespace, "-id", init.id],
        ...["-address", "/run/x.sock", "-publish-binary", program, "start"],
      ],
      cwd: bundle.path,
      env: { TTRPC_ADDRESS: "" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    const socket = decoder.decode(stdout).trim().replace("unix://", "");
    const connection = await Deno.connect({ transport: "unix", path: socket });
    await using client = new TtrpcClient(connection);
    const ctx = background({ namespace });
    const shim = remoteShim(client, 2);
    const streams = { stdin: "", stdout: "", stderr: "", terminal: false };
    await shim.create(ctx, {
      ...{ ...streams, id: init.id, bundle: bundle.path },
      ...{ rootfs: [], checkpoint: "" },
    });
    await shim.start(ctx, init);
    assertEquals((await shim.wait(ctx, init)).exitCode, 7);
    await shim.delete(ctx, init);
    await shim.shutdown(ctx, { id: init.id, when: "idle" });
    const lines = () => Deno.readTextFileSync(told).trim().split("\n");
    await until("all is told", () => lines().length === 4);
    const flags = `--address /run/x.sock publish --topic /tasks/`;
    assertEquals(
      lines(),
      ["create", "start", "exit", "delete"]
        .map((topic) => `${flags}${topic} --namespace ${namespace} 1`),
    );
    await until("it has left", () => bundles.leftovers().length === 0);
  },
});
