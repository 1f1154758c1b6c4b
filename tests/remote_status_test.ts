/** Since when containers run that another client of a daemon has started. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { coracle } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";

interface Server extends AsyncDisposable {
  readonly address: string;
}

const SERVERS: readonly {
  readonly name: string;
  readonly open: () => Promise<Server>;
}[] = [
  { name: "our daemon", open: () => openDaemon() },
  { name: "containerd", open: openBareContainerd },
];

const IMAGE = "docker.io/library/busybox:test";
/** In which the kernel counts, rounded up. */
const TICK_MS = 20;

async function ctr(
  { address }: Server,
  ...args: readonly string[]
): Promise<void> {
  const { code, stderr } = await new Deno.Command("timeout", {
    args: ["60", "ctr", "-a", address, ...args],
    stdin: "null",
    stdout: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

for (const { name, open } of SERVERS) {
  Deno.test({
    name: `coracle ps tells since when a task of ctr's runs behind ${name}`,
    ignore: !hasContainerd(),
    fn: async () => {
      const dir = await Deno.makeTempDir({ prefix: "coracle-status-" });
      try {
        await using server = await open();
        const ours = ["--root", `${dir}/root`, "--state", `${dir}/state`];
        const ok = async (...args: readonly string[]) => {
          const { code, stdout, stderr } = await coracle([
            ...[...ours, "--address", server.address],
            ...args,
          ]);
          assertEquals(code, 0, stderr);
          return stdout.trim();
        };
        await ok("load", "-i", await makeBusyboxArchive(dir));
        const before = Date.now();
        await ctr(server, "run", "-d", IMAGE, "web", "sleep", "1000");
        const after = Date.now();
        try {
          const inspect = () =>
            ok("inspect", "--format", "{{.State.StartedAt}}", "web");
          const startedAt = await inspect();
          const time = new Date(startedAt).getTime();
          assert(time >= before - TICK_MS && time <= after + TICK_MS);
          assertEquals(await inspect(), startedAt);
          const soon = Math.max(0, time + 1_000 - Date.now());
          await new Promise((resolve) => setTimeout(resolve, soon));
          const show = () => ok("ps", "--format", "{{.Status}}");
          assertMatch(await show(), /^Up \d+ seconds?$/);
          await ok("pause", "web");
          assertMatch(await show(), /^Up \d+ seconds? \(Paused\)$/);
          await ok("unpause", "web");
        } finally {
          await ctr(server, "task", "rm", "-f", "web");
          await ctr(server, "container", "rm", "web");
        }
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}
