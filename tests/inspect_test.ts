/** What `inspect` tells of a container, in the form of docker's API. */

import { assertEquals, assertMatch } from "@std/assert";
import { programCommand } from "./support/program.ts";
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
  Ulimits: null,
  CgroupParent: "",
  ContainerIDFile: "",
  VolumeDriver: "",
  ConsoleSize: [0, 0],
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
      for (const key of ["Tmpfs", "Mounts", "Sysctls"]) {
        assertEquals(key in shown.HostConfig, false, key);
      }
      assertEquals([shown.Config.User, shown.Config.WorkingDir], ["", ""]);
      assertEquals(shown.ExecIDs, null);
      // As of docker's types, also where its JSON has null or nothing.
      const template = "{{.State.Health}} {{.HostConfig.Binds}} " +
        "{{len .HostConfig.Mounts}} {{.Config.Volumes}} " +
        '<{{.Config.StopSignal}}> <{{index .Config.Labels "none"}}>';
      const text = await ok(store, "inspect", "-f", template, "web");
      assertEquals(text, "<nil> [] 0 map[] <> <>");
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
      assertEquals(shown.HostConfig.Tmpfs, { "/fast": "size=1m" });
      const nofile = { Name: "nofile", Hard: 20, Soft: 10 };
      assertEquals(shown.HostConfig.Ulimits, [nofile]);
      assertEquals(shown.Config.Volumes, { "/data": {} });
      await ok(store, "rm", "--volumes", "web");
    });

    await t.step("in the words of who made it, or of the image", async () => {
      const [, image] = JSON.parse(
        await ok(store, "inspect", IMAGE, IMAGE_WITH_CONFIG),
      );
      const { Env, User, WorkingDir } = image.Config;
      await ok(store, "create", "--name", "web", IMAGE_WITH_CONFIG);
      const { Config } = await inspect(store, "web");
      assertEquals(
        [Config.Env, Config.User, Config.WorkingDir],
        [Env, User, WorkingDir],
      );
      for (const key of ["StopSignal", "StopTimeout", "Healthcheck"]) {
        assertEquals(Object.hasOwn(Config, key), false, key);
      }
      await ok(store, "rm", "-v", "web");
      await ok(
        store,
        ...["create", "--name", "web", "-e", "Z=1", "-e", "PATH=/x", "-e"],
        ...["NONE", "-e", "Z=2", "-w", "/srv/", "-u", "7", "--stop-signal"],
        ...["USR1", "--stop-timeout", "0", "--health-interval", "3s", "--init"],
        ...["--entrypoint", "", "-t", IMAGE_WITH_CONFIG, "true", "a"],
      );
      const shown = await inspect(store, "web");
      assertEquals([shown.Path, shown.Args], ["true", ["a"]]);
      const wanted = {
        Env: ["Z=2", "PATH=/x", "NONE", ...Env.slice(1)],
        ...{ User: "7", WorkingDir: "/srv", StopSignal: "USR1" },
        ...{ StopTimeout: 0, Entrypoint: null, Cmd: ["true", "a"] },
        Healthcheck: { Interval: 3e9 },
      };
      assertMatch(Env[0], /^PATH=/);
      assertEquals(part(shown.Config, wanted), wanted);
      await ok(store, "rm", "-v", "web");
      await ok(
        store,
        ...["create", "--name", "web", "--entrypoint", "/bin/sh"],
        ...["--no-healthcheck", IMAGE],
      );
      const { Config: plain } = await inspect(store, "web");
      assertEquals(
        [plain.Entrypoint, plain.Cmd, plain.User, plain.WorkingDir],
        [
          ...[["/bin/sh"], null, "", ""],
        ],
      );
      assertEquals(plain.Healthcheck, { Test: ["NONE"] });
      await ok(store, "rm", "web");
    });

    await t.step("of its mounts, by the flag that asked for them", async () => {
      await Deno.mkdir(`${store.dir}/hold`);
      const hold = `${store.dir}/hold`;
      const { code, stderr } = await programCommand([
        ...store.flags,
        ...["create", "--name", "web", "-v", "./hold:/b:rslave,ro"],
        ...["-v", "cargo:/cargo:nocopy", "-v", "other:/o", "-v", "/anon"],
        ...["--mount", `type=bind,src=${hold},dst=/mb,readonly`],
        ...["--mount", "type=volume,src=cargo,dst=/mv,volume-nocopy"],
        ...["--mount", "type=tmpfs,dst=/mt,tmpfs-size=1m,tmpfs-mode=700"],
        ...["--tmpfs", "/t1", "--tmpfs", "/t2:size=1m,exec", IMAGE, "true"],
      ], { cwd: store.dir }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const { Mounts, Config, HostConfig } = await inspect(store, "web");
      assertEquals(Config.Volumes, { "/anon": {} });
      assertEquals(HostConfig.Binds, [
        ...[`${hold}:/b:rslave,ro`, "cargo:/cargo:nocopy", "other:/o"],
      ]);
      assertEquals(HostConfig.Tmpfs, { "/t1": "", "/t2": "size=1m,exec" });
      assertEquals(HostConfig.Mounts, [
        { Type: "bind", Source: hold, Target: "/mb", ReadOnly: true },
        {
          ...{ Type: "volume", Source: "cargo", Target: "/mv" },
          VolumeOptions: { NoCopy: true, DriverConfig: {} },
        },
        {
          ...{ Type: "tmpfs", Target: "/mt" },
          TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o700 },
        },
      ]);
      const rows = Mounts.map((mount: Record<string, unknown>) =>
        ["Type", "Destination", "Driver", "Mode", "RW", "Propagation"]
          .map((key) => mount[key] ?? "-").join(" ")
      );
      assertEquals(rows.sort(), [
        "bind /b - rslave,ro false rslave",
        "bind /mb -  false rprivate",
        "tmpfs /mt -  true ",
        "volume /anon local  true ",
        "volume /cargo local nocopy true ",
        "volume /mv local z true ",
        "volume /o local z true ",
      ]);
      await ok(store, "rm", "-v", "web");
    });

    await t.step("of its limits, as they were said", async () => {
      await ok(
        store,
        ...["create", "--name", "web", "--cpus", "0.5", "--cap-drop", "all"],
        ...["--cap-add", "chown", "--ulimit", "nproc=-1", "--ulimit"],
        ...["core=1:2", "--network", "none", "--cidfile", `${store.dir}/cid`],
        ...["--security-opt", "systempaths=unconfined", IMAGE, "true"],
      );
      const processors = (
        NanoCpus: number,
        CpuPeriod: number,
        CpuQuota: number,
      ) => ({ NanoCpus, CpuPeriod, CpuQuota });
      const wanted = {
        ...processors(5e8, 0, 0),
        ...{ CapAdd: ["CAP_CHOWN"], CapDrop: ["ALL"], CgroupParent: "" },
        ...{ SecurityOpt: [], MaskedPaths: [], ReadonlyPaths: [] },
        ContainerIDFile: `${store.dir}/cid`,
        Ulimits: [
          { Name: "core", Hard: 2, Soft: 1 },
          { Name: "nproc", Hard: -1, Soft: -1 },
        ],
      };
      const { HostConfig } = await inspect(store, "web");
      assertEquals(part(HostConfig, wanted), wanted);
      assertEquals("Sysctls" in HostConfig, false);
      const more = ["--cpu-period", "100000", "--cpu-quota", "30000"];
      for (
        const [flags, time] of [
          [more, processors(0, 100_000, 30_000)],
          [["--cpus", "0.2", "--restart", "always"], processors(2e8, 0, 0)],
        ] as const
      ) {
        await ok(store, "update", ...flags, "web");
        const { HostConfig } = await inspect(store, "web");
        assertEquals(part(HostConfig, time), time);
      }
      await ok(store, "rm", "web");
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
