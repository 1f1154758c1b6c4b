/** What stays beside a container goes on when its daemon has been killed. */

import { assert, assertEquals } from "@std/assert";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { coracle } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";
import { processesWith, REMOTE_IMAGE, until } from "./support/remote_store.ts";

Deno.test({
  name: "probes and input go on behind a daemon that was killed",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using daemon = await openDaemon();
    const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
    const flags = ["--root", `${dir}/root`, "--state", `${dir}/state`]
      .concat("--address", daemon.address);
    const ok = async (args: readonly string[], stdin?: string) => {
      const input = stdin === undefined ? {} : { stdin };
      const { code, stdout, stderr } = await coracle(
        [...flags, ...args],
        input,
      );
      assertEquals(code, 0, stderr);
      return stdout;
    };
    try {
      await ok(["load", "-i", await makeBusyboxArchive(dir)]);
      const check = ["--health-cmd", "true", "--health-interval", "100ms"];
      const run = ["run", "-di", "--name", "web", ...check, REMOTE_IMAGE];
      const id = (await ok([...run, "cat"])).trim();
      const health = () => healthIn(dir, id);
      await until(
        "its health",
        async () => (await health())?.status === "healthy",
      );
      await daemon.stop("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const before = await health();
      assertEquals([before?.status, before?.failingStreak], ["healthy", 0]);
      await daemon.start();
      await until("the next probe", async () => {
        const { status, log } = await health() ?? {};
        assertEquals(status, "healthy");
        return log?.at(-1)?.start !== before?.log.at(-1)?.start;
      });
      assertEquals(await ok(["attach", "web"], "again\n"), "again\n");
      await ok(["rm", "-f", "web"]);
      await until(
        "their end",
        async () => (await processesWith(`${dir}/`)).length === 0,
      );
    } finally {
      await coracle([...flags, "rm", "-f", "web"]);
      await Deno.remove(dir, { recursive: true });
    }
  },
});

interface Health {
  readonly status: string;
  readonly failingStreak: number;
  readonly log: readonly { readonly start: string }[];
}

/** What is kept on this side, which needs no daemon to be read. */
async function healthIn(dir: string, id: string): Promise<Health | undefined> {
  const { stdout } = await new Deno.Command("find", {
    args: [`${dir}/state`, "-path", `*${id}/health.json`],
  }).output();
  const path = new TextDecoder().decode(stdout).trim();
  assert(path !== "", "there is no file of its health");
  return JSON.parse(await Deno.readTextFile(path));
}
