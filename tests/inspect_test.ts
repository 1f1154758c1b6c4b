/** What `inspect` tells of a container, in the form of docker's API. */

import { assertEquals, assertMatch } from "@std/assert";
import {
  IMAGE,
  IMAGE_WITH_CONFIG,
  openRunStore,
  type RunStore,
} from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** `[container]`, parsed. */
async function inspect(store: RunStore, name: string) {
  const [shown] = JSON.parse(await ok(store, "inspect", name));
  return shown;
}

/** Of a container of nobody's wishes, as docker shows it. */
const PLAIN = {
  Binds: null,
  PortBindings: {},
  PublishAllPorts: false,
  CapAdd: null,
  CapDrop: null,
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  IpcMode: "private",
  PidMode: "",
  UTSMode: "",
  Privileged: false,
  SecurityOpt: null,
  OomScoreAdj: 0,
  ReadonlyRootfs: false,
  ShmSize: 64 * 1024 * 1024,
};

/** Those of `shown` that `wanted` has, too. */
function part(shown: Record<string, unknown>, wanted: object): unknown {
  return Object.fromEntries(
    Object.keys(wanted).map((key) => [key, shown[key]]),
  );
}

Deno.test({
  name: "coracle inspect tells what a container was made with",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();

    await t.step("of its streams, as docker does", async () => {
      const keys = [
        ...["AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin"],
        ...["StdinOnce", "Tty"],
      ];
      const flags: readonly (readonly [readonly string[], string])[] = [
        [["create"], "011000"],
        [["create", "-i"], "111110"],
        [["create", "-t"], "011001"],
        [["create", "-i", "-a", "stdin"], "100110"],
        [["create", "-a", "STDOUT"], "010000"],
        [["create", "-i", "-a", "stderr"], "101110"],
        [["run"], "011000"],
        [["run", "-i"], "111110"],
        [["run", "-d"], "000000"],
        [["run", "-d", "-i"], "000100"],
      ];
      for (const [words, wanted] of flags) {
        await ok(store, ...words, "--name", "web", IMAGE, "true");
        const { Config } = await inspect(store, "web");
        const shown = keys.map((key) => Number(Config[key])).join("");
        assertEquals(shown, wanted, words.join(" "));
        await ok(store, "rm", "-f", "web");
      }
    });

    await t.step("of one like any other", async () => {
      await ok(store, "create", "--name", "web", IMAGE, "true");
      const shown = await inspect(store, "web");
      assertEquals(part(shown.HostConfig, PLAIN), PLAIN);
      assertEquals(shown.HostConfig.MaskedPaths.includes("/proc/kcore"), true);
      assertEquals("Tmpfs" in shown.HostConfig, false);
      assertEquals(shown.Mounts, []);
      assertEquals(shown.NetworkSettings.IPAddress, "");
      const id = await ok(store, "inspect", "-f", "{{.Id}}", IMAGE);
      assertMatch(id, /^sha256:/);
      assertEquals([shown.Image, shown.Config.Image], [id, IMAGE]);
      await ok(store, "rm", "web");
    });

    await t.step("of one with wishes", async () => {
      await ok(
        store,
        ...["create", "--name", "web", "-v", `${store.dir}:/from:ro`],
        ...["-v", "cargo:/cargo", "--tmpfs", "/fast:size=1m"],
        ...["--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN"],
        ...["--dns", "192.0.2.1", "--dns-search", "example.org"],
        ...["--dns-option", "ndots:1", "--add-host", "a:192.0.2.2"],
        ...["--ipc", "host", "--pid", "host", "--uts", "host"],
        ...["--ulimit", "nofile=10:20", "--oom-score-adj", "5"],
        ...["--security-opt", "no-new-privileges", IMAGE_WITH_CONFIG],
      );
      const shown = await inspect(store, "web");
      const wanted = {
        Binds: [`${store.dir}:/from:ro`, "cargo:/cargo"],
        CapAdd: ["CAP_NET_ADMIN"],
        CapDrop: ["CAP_CHOWN"],
        Dns: ["192.0.2.1"],
        DnsOptions: ["ndots:1"],
        DnsSearch: ["example.org"],
        ExtraHosts: ["a:192.0.2.2"],
        IpcMode: "host",
        PidMode: "host",
        UTSMode: "host",
        OomScoreAdj: 5,
        SecurityOpt: ["no-new-privileges"],
      };
      assertEquals(part(shown.HostConfig, wanted), wanted);
      assertEquals(Object.keys(shown.HostConfig.Tmpfs), ["/fast"]);
      const nofile = { Name: "nofile", Hard: 20, Soft: 10 };
      const { Ulimits } = shown.HostConfig;
      assertEquals(
        Ulimits.find((limit: typeof nofile) => limit.Name === "nofile"),
        nofile,
      );
      assertEquals(shown.Config.Volumes, { "/data": {} });
      await ok(store, "rm", "--volumes", "web");
    });

    await t.step("of a privileged one", async () => {
      await ok(
        store,
        ...["create", "--name", "web", "--privileged", "--shm-size", "1m"],
        ...[IMAGE, "true"],
      );
      const shown = await inspect(store, "web");
      const wanted = {
        ...PLAIN,
        Privileged: true,
        MaskedPaths: null,
        ReadonlyPaths: null,
        ShmSize: 1024 * 1024,
      };
      assertEquals(part(shown.HostConfig, wanted), wanted);
      await ok(store, "rm", "web");
    });
  },
});
