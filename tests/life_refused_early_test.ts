/** Runtimes that started up for a container that was then refused. */

import { assertEquals } from "@std/assert";
import { startCoracle } from "./support/coracle.ts";
import { processesWith, until } from "./support/processes.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

/**
 * Stands where runc should, and tells what it meets while it starts up, which
 * takes it as long as it likes: a bundle that has gone, or a spec to run.
 */
const SLOW_RUNC = `#!/bin/sh
log=$1 bundle=
shift
while [ $# -gt 0 ]; do
  [ "$1" = --bundle ] && bundle=$2
  shift
done
while :; do
  [ -d "$bundle" ] || { echo "outlived its bundle" >>"$log"; exit 1; }
  [ -f "$bundle/config.json" ] && { echo "read its spec" >>"$log"; exit 1; }
done
`;

/** How often it is tried: who is faster is a matter of luck. */
const ROUNDS = 6;

Deno.test({
  name: "a runtime that is late does not start what was refused meanwhile",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const log = `${store.dir}/met`;
    await Deno.writeTextFile(log, "");
    await Deno.writeTextFile(`${store.dir}/slow`, SLOW_RUNC, { mode: 0o755 });
    const runc = `${store.dir}/runc`;
    await Deno.writeTextFile(
      runc,
      `#!/bin/sh\nexec ${store.dir}/slow ${log} "$@"\n`,
      { mode: 0o755 },
    );
    const missing = `type=bind,src=${store.dir}/missing,dst=/mnt`;
    // What a stand-in has started is not killed with it: it finds nothing, and
    // leaves. One of ours would say so where the container's output goes.
    const harmless = ["", "outlived its bundle"];
    const cases = [
      { args: [IMAGE, "nonexist"], code: 127 },
      { args: ["-d", IMAGE, "nonexist"], code: 127 },
      { args: ["--mount", missing, IMAGE, "true"], code: 125 },
      { args: ["-d", "--mount", missing, IMAGE, "true"], code: 125 },
    ];
    for (const { args, code } of cases) {
      await t.step(args.join(" ").replace(store.dir, ""), async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const { code: got, stderr } = await store.run([
            ...["--runtime", runc],
            ...args,
          ]);
          assertEquals(got, code, stderr);
        }
        const met = (await Deno.readTextFile(log)).split("\n");
        const fine = args.includes("-d") ? harmless : [""];
        assertEquals(met.filter((line) => !fine.includes(line)), []);
        await Deno.writeTextFile(log, "");
      });
    }
    assertEquals(await store.leftovers(), []);
  },
});

Deno.test({
  name: "no runtime waits while an image is pulled, and none is left by it",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    // Takes what is asked, and never answers.
    using registry = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const asked = Promise.withResolvers<void>();
    const connections: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of registry) {
        connections.push(connection);
        asked.resolve();
      }
    })();
    const image = `127.0.0.1:${registry.addr.port}/crew/mute`;
    const run = startCoracle([...store.flags, "run", "--rm", image, "true"]);
    await asked.promise;
    const runtimes = () =>
      processesWith(store.dir).filter((pid) =>
        Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === "runc"
      );
    await until("nothing waits for the image", () => runtimes().length === 0);
    run.kill("SIGINT");
    assertEquals((await run.output()).code, 130);
    for (const connection of connections) connection.close();
    registry.close();
    await accepting.catch(() => {});
    const never = await store.run(["--pull", "never", "crew/none", "true"]);
    assertEquals(never.code, 125, never.stderr);
    assertEquals(await store.leftovers(), []);
    assertEquals(runtimes(), []);
  },
});
