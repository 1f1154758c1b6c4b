/** `coracle run` as docker's users know it: each flag seen from inside. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ownCpuCount } from "../src/sys/facts.ts";
import { PROGRAM } from "./support/program.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { IMAGE, IMAGE_WITH_CONFIG, openRunStore } from "./support/run_store.ts";

Deno.test({
  name: "coracle run does what its flags say",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();

    /** Standard output of a command in a container that must succeed. */
    const inside = async (flags: readonly string[], script: string) => {
      const outcome = await store.run([...flags, IMAGE, "sh", "-c", script]);
      assertEquals(outcome.stderr, "", script);
      assertEquals(outcome.code, 0, script);
      return outcome.stdout.trim();
    };

    await t.step("the exit code is the container's", async () => {
      const { code } = await store.run([IMAGE, "sh", "-c", "exit 42"]);
      assertEquals(code, 42);
    });

    await t.step("a missing command ends with 127", async () => {
      const { code, stderr } = await store.run([IMAGE, "nosuch"]);
      assertEquals(code, 127);
      assertStringIncludes(
        stderr,
        `exec: "nosuch": executable file not found in $PATH`,
      );
    });

    await t.step("a command may be a link to what is mounted", async () => {
      const data = `${store.dir}/data`;
      await Deno.mkdir(data);
      await Deno.writeTextFile(`${data}/app`, "#!/bin/sh\necho mounted\n", {
        mode: 0o755,
      });
      const rootfs = `${store.dir}/linked`;
      writeBusyboxRoot(rootfs);
      await Deno.symlink("/data/app", `${rootfs}/bin/app`);
      const { code, stdout, stderr } = await store.run(
        ["-v", `${data}:/data`, "-e", "PATH=/bin", "--rootfs", rootfs, "app"],
      );
      assertEquals([code, stdout, stderr], [0, "mounted\n", ""]);
    });

    await t.step("what can't be executed ends with 126", async () => {
      for (const path of ["/etc", "/etc/notprogram"]) {
        const { code, stderr } = await store.run([IMAGE, path]);
        assertEquals(code, 126);
        assertStringIncludes(stderr, "permission denied");
      }
    });

    await t.step("standard streams are passed through", async () => {
      const { stdout, stderr } = await store.run(
        ["-i", IMAGE, "sh", "-c", "cat; echo no >&2"],
        { stdin: "aye\n" },
      );
      assertEquals([stdout, stderr], ["aye\n", "no\n"]);
    });

    await t.step("without -i standard input is empty", async () => {
      const { stdout } = await store.run([IMAGE, "cat"], { stdin: "aye\n" });
      assertEquals(stdout, "");
    });

    await t.step("-t without -i gives a terminal to nobody", async () => {
      const { code, stdout } = await store.run([
        ...["-t", IMAGE, "sh", "-c"],
        "test -t 1 && echo terminal; exit 3",
      ]);
      assertEquals([code, stdout], [3, "terminal\n"]);
    });

    await t.step("-it without a terminal is refused", async () => {
      const { code, stderr } = await store.run(["-it", IMAGE, "true"]);
      assertEquals(code, 125);
      assertStringIncludes(stderr, "the input device is not a TTY");
    });

    await t.step("what contradicts itself is refused", async () => {
      const refused: readonly (readonly [readonly string[], string])[] = [
        [
          ["--uts", "host", "--hostname", "x"],
          "conflicting options: hostname and the UTS mode",
        ],
        [
          ["--restart", "always"],
          "conflicting options: cannot specify both --restart and --rm",
        ],
        [
          ["--cpus", "1", "--cpu-quota", "1000"],
          "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ],
        [
          ["--cpus", "4096"],
          `Range of CPUs is from 0.01 to ${ownCpuCount()}.00, as there are only ` +
          `${ownCpuCount()} CPUs available`,
        ],
        [
          ["--mount", "type=tmpfs,dst=/x,volume-nocopy"],
          "cannot mix 'volume-*' options with mount type 'tmpfs'",
        ],
        [
          ["--restart", "on-failure:-1"],
          "invalid restart policy: maximum retry count cannot be negative",
        ],
      ];
      for (const [flags, message] of refused) {
        const { code, stderr } = await store.run([...flags, IMAGE, "true"]);
        assertEquals([code, stderr.split("\n")[0]], [
          125,
          `coracle: ${message}`,
        ]);
      }
      assertEquals(await store.leftovers(), []);
    });

    await t.step("what only looks like it is not", async () => {
      const volume = ["-v", `${store.dir}:/x`];
      for (
        const flags of [
          ["--uts", "host", "--hostname", ""],
          ["--network", "host", "--hostname", "x"],
          ["--restart", "no"],
          [...volume, ...volume],
        ]
      ) {
        const { code, stderr } = await store.run([...flags, IMAGE, "true"]);
        assertEquals([code, stderr], [0, ""], flags.join(" "));
      }
    });

    await t.step("the image's config is the default", async () => {
      const { stdout } = await store.run([IMAGE_WITH_CONFIG]);
      assertEquals(stdout, "from the image\n");
      const { stdout: place } = await store.run([
        IMAGE_WITH_CONFIG,
        "pwd; id -u; id -G; stat -c %u /data/cargo",
      ]);
      // The volume starts with the image's content, owners included; its
      // directory is closed to this user, as it is in the image.
      assertEquals(place, "/home/sailor/cabin\n1000\n1001 2000\n");
    });

    await t.step("--user takes names, numbers and groups", async () => {
      assertEquals(await inside(["-u", "sailor"], "id -G"), "1001 2000");
      assertEquals(await inside(["-u", "7:8"], "id -u; id -g"), "7\n8");
      const unknown = await store.run(["-u", "pirate", IMAGE, "true"]);
      assertEquals(unknown.code, 125);
      assertStringIncludes(
        unknown.stderr,
        "unable to find user pirate: no matching entries in passwd file",
      );
      assertEquals(
        await inside(["-u", "7", "--group-add", "rope"], "id -G"),
        "0 2000",
      );
    });

    await t.step("--env, --workdir and --hostname", async () => {
      assertEquals(
        await inside(
          ["-e", "A=1", "-w", "/new/place", "-h", "boat"],
          "echo $A $FROM_IMAGE; pwd; hostname; cat /etc/hostname",
        ),
        "1 yes\n/new/place\nboat\nboat",
      );
    });

    await t.step("what only the runtime sees is told once", async () => {
      const { code, stderr } = await store.run([
        ...["-w", "/etc/passwd", IMAGE, "true"],
      ]);
      assertEquals(code, 125);
      assertEquals(stderr.match(/not a directory/g), ["not a directory"]);
    });

    await t.step(
      "an image for other machines is not what --platform asks for",
      async () => {
        const foreign = await store.run([
          ...["--platform", "linux/s390x", "--pull", "never", IMAGE, "true"],
        ]);
        assertEquals(foreign.code, 125);
        assertStringIncludes(foreign.stderr, `for platform "linux/s390x"`);
      },
    );

    await t.step(
      "what can't be an address or a signal is refused",
      async () => {
        for (
          const [flag, value, message] of [
            ["--dns", "one.one", "IP address is not correctly formatted"],
            ["--stop-signal", "SIGNOPE", "invalid signal: SIGNOPE"],
          ] as const
        ) {
          const { code, stderr } = await store.run([
            flag,
            value,
            IMAGE,
            "true",
          ]);
          assertEquals(code, 125);
          assertStringIncludes(stderr, message);
        }
      },
    );

    await t.step(
      "the host's queues are shared, mounted there or not",
      async () => {
        assertStringIncludes(
          await inside(["--ipc", "host"], "cat /proc/mounts"),
          " /dev/mqueue mqueue ",
        );
      },
    );

    await t.step("root who may not mount is told so", async () => {
      const less = ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"];
      const args = [...store.flags, "run", "--rm", IMAGE, "true"];
      const { code, stderr } = await new Deno.Command("setpriv", {
        args: [...less, ...PROGRAM, ...args],
        stdin: "null",
      }).output();
      assertEquals(code, 125);
      assertStringIncludes(
        new TextDecoder().decode(stderr),
        "operation not permitted (without CAP_SYS_ADMIN)",
      );
      assertEquals(await store.leftovers(), []);
    });

    await t.step("capabilities are docker's, plus and minus", async () => {
      const caps = "grep CapEff /proc/self/status | cut -f2";
      assertEquals(await inside([], caps), "00000000a80425fb");
      assertEquals(
        await inside(["--cap-drop", "all", "--cap-add", "chown"], caps),
        "0000000000000001",
      );
    });

    await t.step("--privileged gives what we hold", async () => {
      const own = /CapBnd:\t(\w+)/.exec(
        await Deno.readTextFile("/proc/self/status"),
      )?.[1];
      const script = "grep CapEff /proc/self/status | cut -f2;" +
        "grep Seccomp: /proc/self/status | cut -f2";
      assertEquals(await inside(["--privileged"], script), `${own}\n0`);
    });

    await t.step("seccomp filters unless told not to", async () => {
      const mode = "grep Seccomp: /proc/self/status | cut -f2";
      assertEquals(await inside([], mode), "2");
      const flags = ["--security-opt", "seccomp=unconfined"];
      assertEquals(await inside(flags, mode), "0");
    });

    await t.step("--security-opt no-new-privileges", async () => {
      assertEquals(
        await inside(
          ["--security-opt", "no-new-privileges"],
          "grep NoNewPrivs /proc/self/status | cut -f2",
        ),
        "1",
      );
    });

    await t.step("--ulimit, clamped to what we hold", async () => {
      assertEquals(
        await inside(["--ulimit", "nofile=512:600"], "ulimit -n; ulimit -Hn"),
        "512\n600",
      );
      const most = await inside(["--ulimit", "nofile=99999999"], "ulimit -Hn");
      assert(Number(most) > 0);
    });

    await t.step("--network none has only a loopback", async () => {
      assertEquals(
        await inside(["--network", "none"], "ls /sys/class/net"),
        "lo",
      );
    });

    await t.step("-p says that there is nothing to publish", async () => {
      for (const flag of [["-p", "80:80"], ["--publish=80:80"], ["-P"]]) {
        const { code, stderr } = await store.run([...flag, IMAGE, "true"]);
        assertEquals(code, 125);
        assertStringIncludes(stderr, "the host's own network");
      }
      const host = ["--network", "host", "-p", "80:80", IMAGE, "true"];
      const { code, stderr } = await store.run(host);
      assertEquals(code, 0);
      assertStringIncludes(stderr, "Published ports are discarded");
    });

    await t.step("--add-host and --dns", async () => {
      const flags = ["--add-host", "port:10.1.2.3", "--dns", "10.9.9.9"];
      const text = await inside(flags, "cat /etc/hosts /etc/resolv.conf");
      assertStringIncludes(text, "10.1.2.3\tport");
      assertStringIncludes(text, "nameserver 10.9.9.9");
    });

    await t.step("--tmpfs, --shm-size and --read-only", async () => {
      const text = await inside(
        ["--read-only", "--tmpfs", "/tmp:size=1m", "--shm-size", "8m"],
        "touch /tmp/a && ! touch /a 2>/dev/null && mount",
      );
      assert(/ \/tmp type tmpfs .*size=1024k/.test(text), text);
      assert(/ \/dev\/shm type tmpfs .*size=8192k/.test(text), text);
      const none = await inside(["--shm-size", "0"], "mount");
      assert(/ \/dev\/shm type tmpfs .*size=65536k/.test(none), none);
    });

    await t.step("-v makes a missing source, --mount does not", async () => {
      const source = `${store.dir}/made/by/us`;
      await inside(["-v", `${source}:/here`], "echo x >/here/file");
      assertEquals(await Deno.readTextFile(`${source}/file`), "x\n");
      await inside(["-v", `${source}:/here:ro`], "! touch /here/b 2>/dev/null");
      const absent = await store.run([
        ...["--mount", `type=bind,source=${store.dir}/no,target=/x`],
        ...[IMAGE, "true"],
      ]);
      assertEquals(absent.code, 125);
      assertStringIncludes(absent.stderr, "bind source path does not exist");
    });

    await t.step("a named volume starts with the image's files", async () => {
      const flags = ["-v", "hold:/data"];
      assertEquals(
        await inside(flags, "cat /data/cargo; echo gin >/data/cargo"),
        "rum",
      );
      assertEquals(await inside(flags, "cat /data/cargo"), "gin");
      assertEquals(
        await inside(flags, "stat -c '%a %u:%g' /data /data/cargo"),
        "750 0:0\n644 1000:1001",
      );
      await Deno.remove(`${store.dir}/root/volumes`, { recursive: true });
    });

    await t.step("--device shows a device and lets it be used", async () => {
      assertEquals(
        await inside(
          ["--device", "/dev/zero:/dev/nought:r"],
          "head -c 3 /dev/nought | wc -c",
        ),
        "3",
      );
    });

    await t.step("--memory, --cpus and --pids-limit", async () => {
      const v1 = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes " +
        "cpu/cpu.cfs_quota_us pids/pids.max";
      const v2 = "cd /sys/fs/cgroup; cat memory.max; cut -d' ' -f1 cpu.max;" +
        "cat pids.max";
      const unified = await inside(
        [],
        "test -e /sys/fs/cgroup/memory.max; echo $?",
      );
      assertEquals(
        await inside(
          ["-m", "64m", "--cpus", "0.5", "--pids-limit", "20"],
          unified === "0" ? v2 : v1,
        ),
        "67108864\n50000\n20",
      );
    });

    await t.step("--init is process 1", async () => {
      const { stdout } = await store.run([
        ...["--init", IMAGE, "sh", "-c", "cat /proc/1/cmdline"],
      ]);
      assertStringIncludes(stdout, "init");
    });

    await t.step("--label-file is read before --label", async () => {
      const first = `${store.dir}/labels`;
      const second = `${store.dir}/more`;
      await Deno.writeTextFile(first, "# ours\n\na=1\nb=2\nbare\n");
      await Deno.writeTextFile(second, "b=3\nc=x y\n");
      const files = ["--label-file", first, "--label-file", second];
      for (const [name, how] of [["made", "create"], ["run", "run"]] as const) {
        const { code, stderr } = await store.call(
          [how, "--name", name, ...files, "-l", "a=mine", IMAGE, "true"],
        );
        assertEquals(code, 0, stderr);
        const format = "{{json .Config.Labels}}";
        const { stdout } = await store.call(
          ["inspect", "--format", format, name],
        );
        const labels = { a: "mine", b: "3", bare: "", c: "x y" };
        assertEquals(JSON.parse(stdout), labels);
        await store.call(["rm", name]);
      }
      const refused = async (file: string) => {
        const { code, stderr } = await store.run(
          ["--label-file", file, IMAGE, "true"],
        );
        assertEquals(code, 125);
        return stderr;
      };
      assertStringIncludes(
        await refused(`${store.dir}/none`),
        `open ${store.dir}/none: no such file or directory`,
      );
      assertStringIncludes(await refused(store.dir), "Is a directory");
    });

    await t.step("--cidfile is written once", async () => {
      const file = `${store.dir}/cid`;
      await inside(["--cidfile", file], "true");
      assert(/^[0-9a-f]{64}$/.test(await Deno.readTextFile(file)));
      const again = await store.run(["--cidfile", file, IMAGE, "true"]);
      assertEquals(again.code, 125);
      assertStringIncludes(again.stderr, "container ID file found");
      const lost = `${store.dir}/none/cid`;
      const failed = await store.run(["--cidfile", lost, IMAGE, "true"]);
      assertEquals([failed.code, failed.stderr], [
        125,
        "coracle: failed to create the container ID file: " +
        `open ${lost}: no such file or directory\n`,
      ]);
    });

    await t.step("--rootfs runs a directory", async () => {
      const { writeBusyboxRoot } = await import("./support/run_image.ts");
      const root = `${store.dir}/plain`;
      await Deno.mkdir(root);
      writeBusyboxRoot(root);
      const { stdout } = await store.run([
        "--rootfs",
        root,
        "cat",
        "/data/cargo",
      ]);
      assertEquals(stdout, "rum\n");
    });

    await t.step("a runtime that is missing names its package", async () => {
      const { code, stderr } = await store.run([
        ...["--runtime", "youki", IMAGE, "true"],
      ]);
      assertEquals(code, 125);
      assertStringIncludes(stderr, `Cannot find OCI runtime "youki"`);
      assertStringIncludes(stderr, "hint: ");
    });

    await t.step(
      "a container whose runtime is missing can be removed",
      async () => {
        const runtime = ["--runtime", "youki", "--name", "stray"];
        for (const verb of [["create"], ["run"], ["run", "-d"]]) {
          const made = await store.call([...verb, ...runtime, IMAGE, "true"]);
          assertEquals(made.code, verb[0] === "create" ? 0 : 125);
          const { code, stderr } = await store.call(["rm", "stray"]);
          assertEquals([code, stderr], [0, ""]);
        }
      },
    );

    await t.step("--pull=never refuses a missing image", async () => {
      const { code, stderr } = await store.run([
        ...["--pull=never", "no/such", "true"],
      ]);
      assertEquals(code, 125);
      assertStringIncludes(stderr, "no/such");
    });

    await t.step("nothing is left of any of them", async () => {
      assertEquals(await store.leftovers(), []);
    });
  },
});
