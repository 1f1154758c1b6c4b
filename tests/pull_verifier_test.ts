/** Programs that may forbid a pull are asked by commands as by the daemon. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { coracle, type Outcome } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

type Call = (...args: readonly string[]) => Promise<Outcome>;

/** Says no to what is called `bad`, and tells what it was asked. */
const PROGRAM = `#!/bin/sh
echo "asked: $*"
case "$*" in *bad*) exit 1;; esac
`;

Deno.test({
  name: "coracle pull and run ask the image verifiers of the configuration",
  ignore: Deno.uid() !== 0 || !hasRegistry(),
  fn: async (t) => {
    const dir = await Deno.makeTempDir({ prefix: "coracle-verifier-" });
    try {
      await using registry = await startRegistry();
      await Deno.mkdir(`${dir}/bin`);
      await Deno.writeTextFile(`${dir}/bin/check`, PROGRAM, { mode: 0o755 });
      const caller = (config: string, ...flags: readonly string[]): Call => {
        const path = `${dir}/config-${config.length}.toml`;
        const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
        return async (...args) => {
          await Deno.writeTextFile(path, config);
          const env = { CORACLE_CONFIG: path };
          return await coracle([...store, ...flags, ...args], { env });
        };
      };
      const strict = caller(
        '[plugins."io.containerd.image-verifier.v1.bindir"]\n' +
          `bin_dir = "${dir}/bin"\n`,
      );
      const [good, bad] = ["good", "bad"]
        .map((name) => `${registry.host}/${name}:1`);
      await succeed(strict, "load", "-i", await makeBusyboxArchive(dir));
      for (const name of [good, bad]) {
        await succeed(strict, "tag", "busybox:test", `${name}`);
        await succeed(strict, "push", `${name}`);
        await succeed(strict, "rmi", `${name}`);
      }
      await t.step("what they allow is pulled", async () => {
        await succeed(strict, "pull", `${good}`);
      });
      await t.step("what they don't is not", async () => {
        await refused(strict, "pull", `${bad}`);
        await refused(strict, "run", "--rm", `${bad}`, "true");
        const images = await succeed(strict, "images");
        assertEquals(images.includes("/bad"), false);
      });
      await t.step("nor through a socket", async () => {
        await using daemon = await openDaemon();
        const { address } = daemon;
        const config = `[plugins."io.containerd.image-verifier.v1.bindir"]
bin_dir = "${dir}/bin"
max_verifiers = 1
`;
        const there = caller(config, "--address", address);
        await refused(there, "pull", `${bad}`);
        await succeed(there, "pull", `${good}`);
      });
      await t.step(
        "where the plugin is disabled, nobody is asked",
        async () => {
          const lax = caller(
            'disabled_plugins = ["io.containerd.image-verifier.v1.bindir"]\n',
          );
          await succeed(lax, "pull", `${bad}`);
        },
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

async function succeed(call: Call, ...args: readonly string[]) {
  const { code, stdout, stderr } = await call(...args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function refused(call: Call, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await call(...args);
  assertEquals(code, args[0] === "run" ? 125 : 1, stderr);
  assertStringIncludes(stderr, "image verifier bindir blocked pull of ");
  assertStringIncludes(stderr, "asked: -name ");
  assert(!stderr.includes("bug"), stderr);
}
