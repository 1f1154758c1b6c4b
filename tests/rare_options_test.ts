/** Flags of `run` and `create` that few people type, as docker has them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { IMAGE, IMAGE_WITH_CONFIG, openRunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";

const CGROUPS = "/sys/fs/cgroup";

/** A block device of this machine, with its numbers; undefined if none is. */
function blockDevice() {
  for (const { name } of Deno.readDirSync("/dev")) {
    const path = `/dev/${name}`;
    const { isBlockDevice, rdev = 0 } = Deno.lstatSync(path);
    // Only whole disks have limits: a partition's are refused.
    if (isBlockDevice && rdev !== null && isThere(`/sys/block/${name}`)) {
      return { path, numbers: `${rdev >> 8}:${rdev & 255}` };
    }
  }
  return undefined;
}

Deno.test({
  name: "coracle run does what its rarer flags say",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const ok = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await store.call(args);
      assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
      return stdout.trim();
    };
    const inside = (flags: readonly string[], script: string) =>
      ok("run", "--rm", ...flags, IMAGE, "sh", "-c", script);
    const inspect = async (name: string) =>
      JSON.parse(await ok("container", "inspect", name))[0];
    const refused = async (...flags: readonly string[]) => {
      const { code, stderr } = await store.run([...flags, IMAGE, "true"]);
      assertEquals(code, 125, flags.join(" "));
      return stderr;
    };

    const device = blockDevice();

    await t.step("--expose is shown, and filtered by", async () => {
      await ok(
        ...["create", "--name", "port", "--expose", "80", "--expose"],
        ...["7000-7001/udp", IMAGE_WITH_CONFIG],
      );
      assertEquals((await inspect("port")).Config.ExposedPorts, {
        "53/udp": {},
        "7000/udp": {},
        "7001/udp": {},
        "80/tcp": {},
        "8080/tcp": {},
      });
      const found = (port: string) =>
        ok("ps", "-aq", "--filter", `expose=${port}`);
      assert(await found("80") !== "");
      assertEquals(await found("81"), "");
      await ok("rm", "-v", "port");
      for (const text of ["abc", "70000", "9-8", ""]) {
        assertStringIncludes(
          await refused("--expose", text),
          `invalid range format for --expose: ${text}`,
        );
      }
      assertStringIncludes(
        await refused("--expose", "80:90"),
        "invalid port format for --expose: 80:90",
      );
    });

    await t.step("--domainname is the kernel's and that of hosts", async () => {
      const names = "cat /proc/sys/kernel/hostname " +
        "/proc/sys/kernel/domainname; hostname -f; grep web /etc/hosts";
      assertEquals(
        await inside(
          ...[[
            ...["--network", "none", "--hostname", "web"],
            ...["--domainname", "example.org"],
          ], names],
        ),
        "web\nexample.org\nweb.example.org\n127.0.1.1\tweb.example.org web",
      );
      await ok(
        ...["run", "--name", "home", "--network", "none"],
        ...["--domainname", "example.org", "-h", "web"],
        ...[IMAGE, "hostname", "-f"],
      );
      const { Config, HostConfig } = await inspect("home");
      assertEquals(Config.Domainname, "example.org");
      assertEquals(HostConfig.Sysctls?.["kernel.domainname"], undefined);
      // Its files are written anew.
      assertEquals(await ok("start", "-a", "home"), "web.example.org");
      await ok("rm", "home");
      assertStringIncludes(
        await refused("--uts", "host", "--domainname", "example.org"),
        "conflicting options: domainname and the UTS mode",
      );
    });

    await t.step("--volumes-from mounts what others have", async () => {
      const dir = `${store.dir}/cargo`;
      await Deno.mkdir(dir);
      await Deno.writeTextFile(`${dir}/rope`, "rope\n");
      await ok(
        ...["run", "--name", "src", "-v", `${dir}:/b:ro`, "-v", "hold:/n"],
        ...["-v", "/anon", "--tmpfs", "/tm", IMAGE, "sh", "-c"],
        "echo mine > /anon/f; echo named > /n/f",
      );
      const script = "cat /b/rope /anon/f /n/f; test -d /tm || echo none";
      assertEquals(
        await inside(["--volumes-from", "src"], script),
        "rope\nmine\nnamed\nnone",
      );
      const { code, stderr } = await store.run([
        ...["--volumes-from", "src:ro", IMAGE, "touch", "/anon/g"],
      ]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "Read-only file system");
      // What it asks for itself wins.
      assertEquals(
        await inside(
          ["--volumes-from", "src", "-v", "other:/n"],
          "ls /n; touch /anon/h; ls /anon",
        ),
        "f\nh",
      );
      await ok(
        ...["create", "--name", "heir", "--volumes-from", "src:rw"],
        ...["-v", "other:/o", IMAGE, "cat", "/anon/f"],
      );
      const { HostConfig, Mounts } = await inspect("heir");
      assertEquals(HostConfig.VolumesFrom, ["src:rw"]);
      assertEquals(HostConfig.Binds, ["other:/o"]);
      assertEquals(
        Mounts.map((it: { Destination: string }) => it.Destination).sort(),
        ["/anon", "/b", "/n", "/o"],
      );
      // The volume stays as long as somebody has it.
      await ok("rm", "-v", "src");
      assertEquals(await ok("start", "-a", "heir"), "mine");
      await ok("rm", "heir");
      await ok("volume", "prune", "--all", "--force");
      assertEquals(await ok("volume", "ls", "-q"), "");
    });

    await t.step("--volumes-from refuses as docker does", async () => {
      assertStringIncludes(
        await refused("--volumes-from", "nosuch"),
        'container "nosuch"',
      );
      assertStringIncludes(
        await refused("--volumes-from", "a:xx"),
        "invalid mode: xx",
      );
      assertStringIncludes(
        await refused("--volumes-from", ""),
        "volumes-from specification cannot be an empty string",
      );
    });

    await t.step("--device-cgroup-rule allows devices", async () => {
      const rule = ["--device-cgroup-rule", "c 42:* rmw"];
      if (isThere(`${CGROUPS}/devices`)) {
        assertStringIncludes(
          await inside(rule, "cat /sys/fs/cgroup/devices/devices.list"),
          "c 42:* rwm",
        );
      }
      if (device !== undefined) {
        const open = `mknod /n b ${device.numbers.replace(":", " ")} && ` +
          "head -c0 /n && echo open";
        assertEquals(
          await inside(
            ["--device-cgroup-rule", `b ${device.numbers} r`],
            open,
          ),
          "open",
        );
        const { code } = await store.run([IMAGE, "sh", "-c", open]);
        assertEquals(code, 1);
      }
      for (const text of ["c 42:*", "x 1:1 r", "c 1:1 q", "c 42 r", ""]) {
        assertStringIncludes(
          await refused("--device-cgroup-rule", text),
          `invalid device cgroup format '${text}'`,
        );
      }
    });

    await t.step({
      name: "--device-read-bps and its kin limit a device",
      ignore: device === undefined || !isThere(`${CGROUPS}/blkio`),
      fn: async () => {
        const { path, numbers } = device ?? { path: "", numbers: "" };
        const shown = await inside(
          [
            ...["--device-read-bps", `${path}:1mb`],
            ...["--device-write-bps", `${path}:2048`],
            ...["--device-read-iops", `${path}:100`],
            ...["--device-write-iops", `${path}:7`],
          ],
          "cd /sys/fs/cgroup/blkio; for f in read_bps write_bps read_iops " +
            "write_iops; do cat blkio.throttle.${f}_device; done",
        );
        assertEquals(
          shown.split("\n"),
          ["1048576", "2048", "100", "7"].map((rate) => `${numbers} ${rate}`),
        );
        for (const text of ["/dev/x", "sda:1", "/dev/x:1:2", "/dev/x:y"]) {
          assertStringIncludes(
            await refused("--device-read-bps", text),
            text,
          );
        }
        assertStringIncludes(
          await refused("--device-write-iops", "/dev/null:5"),
          'Cannot limit "/dev/null": not a block device',
        );
        assertStringIncludes(
          await refused("--device-write-iops", "/dev/nosuch:5"),
          "/dev/nosuch",
        );
      },
    });

    await t.step("--blkio-weight is set, or discarded aloud", async () => {
      const { code, stdout, stderr } = await store.run([
        ...["--blkio-weight", "300", IMAGE, "sh", "-c"],
        "cat /sys/fs/cgroup/blkio/blkio*.weight /sys/fs/cgroup/io*.weight " +
        "2>/dev/null; true",
      ]);
      assertEquals(code, 0, stderr);
      assert(
        stdout.includes("300") || /io\.weight|default/.test(stdout) ||
          stderr.includes("Weight discarded"),
        stdout + stderr,
      );
      assertStringIncludes(
        await refused("--blkio-weight", "5"),
        "Range of blkio weight is from 10 to 1000",
      );
    });

    await t.step("update --blkio-weight changes it", async () => {
      await ok(
        ...["run", "-d", "--name", "heavy", "--stop-timeout", "0"],
        ...device === undefined
          ? []
          : ["--device-read-bps", `${device.path}:1mb`],
        ...[IMAGE, "sleep", "1000"],
      );
      await ok("update", "--memory", "64m", "heavy");
      const { code, stderr } = await store.call(
        ["update", "--blkio-weight", "400", "heavy"],
      );
      assertEquals(code, 0, stderr);
      const { HostConfig: shown } = await inspect("heavy");
      assertEquals(
        shown.BlkioWeight,
        stderr.includes("Weight discarded") ? 0 : 400,
      );
      assertEquals(shown.Memory, 64 * 1024 * 1024);
      if (isThere(`${CGROUPS}/blkio/blkio.bfq.io_service_bytes`)) {
        const weight = "/sys/fs/cgroup/blkio/blkio.bfq.weight";
        assertEquals(await ok("exec", "heavy", "cat", weight), "400");
      }
      await ok("rm", "-f", "heavy");
    });

    await t.step("--memory-swappiness and --oom-kill-disable", async () => {
      const flags = ["--memory", "64m", "--memory-swappiness", "7"];
      const { code, stdout, stderr } = await store.run([
        ...[...flags, "--oom-kill-disable", IMAGE, "sh", "-c"],
        "cd /sys/fs/cgroup/memory && " +
        "grep -h . memory.swappiness memory.oom_control; true",
      ]);
      assertEquals(code, 0);
      if (isThere(`${CGROUPS}/memory/memory.swappiness`)) {
        assertEquals(stdout.split("\n").slice(0, 2), [
          "7",
          "oom_kill_disable 1",
        ]);
        assertEquals(stderr, "");
      } else {
        assertStringIncludes(stderr, "Memory swappiness discarded");
        assertStringIncludes(stderr, "OomKillDisable discarded");
      }
      assertStringIncludes(
        await refused("--memory-swappiness", "101"),
        "Invalid value: 101, valid memory swappiness range is 0-100",
      );
    });

    await t.step("inspect tells of them", async () => {
      await ok(
        ...["create", "--name", "all", "--group-add", "5", "--group-add"],
        ...["rope", "--device", "/dev/null:/dev/nil:rw"],
        ...["--device-cgroup-rule", "c 42:* rmw", "--userns", "host"],
        ...device === undefined
          ? []
          : ["--device-read-bps", `${device.path}:1mb`],
        ...[IMAGE, "true"],
      );
      const { HostConfig: shown } = await inspect("all");
      assertEquals(shown.GroupAdd, ["5", "rope"]);
      assertEquals(shown.Devices, [{
        PathOnHost: "/dev/null",
        PathInContainer: "/dev/nil",
        CgroupPermissions: "rw",
      }]);
      assertEquals(shown.DeviceCgroupRules, ["c 42:* rmw"]);
      assertEquals(shown.UsernsMode, "host");
      assertEquals(
        shown.BlkioDeviceReadBps,
        device === undefined ? null : [{ Path: device.path, Rate: 1048576 }],
      );
      assertEquals(shown.Init, undefined);
      await ok("rm", "all");
    });

    await t.step("what can't be had is refused with the reason", async () => {
      const reasons = {
        link: "no network of their own",
        gpus: "could not select device driver",
        userns: "--userns: invalid USER mode",
        ip: "no network of their own",
      };
      for (const [name, reason] of Object.entries(reasons)) {
        assertStringIncludes(await refused(`--${name}`, "other"), reason);
      }
      const unknown = await refused("--exposed", "80");
      assertStringIncludes(unknown, "unknown flag: --exposed");
      assertStringIncludes(unknown, "Did you mean --expose?");
      assertStringIncludes(
        await refused("--memori", "80"),
        "Did you mean --memory?",
      );
    });

    assertEquals(await store.leftovers(), []);
  },
});
