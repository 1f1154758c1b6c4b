/**
 * `coracle run` of an ordinary user, with subordinate ids and without: the
 * executable, because what it starts again must not need a developer's files.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeUser, run, succeed } from "./rootless_support.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { buildExecutable } from "./support/executable.ts";

const LIMITS = "Ignoring --memory, --cpus, --pids-limit: ";

for (const ids of ["ranges", "single"] as const) {
  Deno.test({
    name: `coracle run as an ordinary user with ids: ${ids}`,
    ignore: Deno.uid() !== 0,
    fn: async (t) => {
      await using user = await makeUser(ids);
      await writeRootArchive(`${user.home}/root.tar`);
      await using executable = await buildExecutable();
      const program = executable.path;
      const call = (...args: string[]) => run(user.command([program, ...args]));
      const { code, stderr } = await call(
        ...["import", `${user.home}/root.tar`, "busybox"],
      );
      assertEquals(code, 0, stderr);

      await t.step("files belong to whom there is", async () => {
        const { stdout } = await inside(call, [], "stat -c %u:%g /data/cargo");
        assertEquals(stdout, ids === "ranges" ? "1000:1001\n" : "0:0\n");
      });

      await t.step("limits that can't be had are named once", async () => {
        const flags = ["--memory", "64m", "--cpus", "1", "--pids-limit", "9"];
        const { stdout, stderr } = await inside(call, flags, "echo aye");
        assertEquals(stdout, "aye\n");
        assertEquals(stderr.split(LIMITS).length, 2, stderr);
        assertEquals((await inside(call, [], "echo aye")).stderr, "");
      });

      await t.step("a stopped container gets no limits either", async () => {
        await call("create", "--name", "limits", "busybox", "true");
        const { code, stderr } = await call(
          ...["update", "--memory", "64m", "limits"],
        );
        assertEquals(code, 1);
        assertStringIncludes(stderr, 'update container "limits": it has no');
        assertEquals((await call("start", "limits")).code, 0);
        assertEquals((await call("rm", "--force", "limits")).code, 0);
      });

      await t.step("so are those of devices; a domain is refused", async () => {
        const rates = ["--device-read-bps", "/dev/sda:1mb"];
        const { stdout, stderr } = await inside(call, rates, "echo aye");
        assertEquals(stdout, "aye\n");
        assertStringIncludes(stderr, "Ignoring limits of block devices");
        const refused = await call(
          ...["run", "--rm", "--domainname", "example.org", "busybox", "true"],
        );
        assertEquals(refused.code, 125);
        assertStringIncludes(refused.stderr, "Cannot set domain name");
      });

      await t.step("a user that can't be is refused in words", async () => {
        const { code, stderr } = await call(
          ...["run", "--rm", "--user", "99999", "busybox", "true"],
        );
        assertEquals(code, 125);
        assertStringIncludes(stderr, "Cannot run as user 99999:0: ");
      });

      await t.step("groups that can't be are named", async () => {
        const flags = ["--group-add", "9"];
        const { stdout, stderr } = await inside(call, flags, "id -G");
        const isSingle = ids === "single";
        assertEquals(stdout, isSingle ? "0\n" : "0 9\n");
        assertEquals(stderr.includes("Ignoring --group-add 9: "), isSingle);
        if (isSingle) return;
        const refused = await call(
          ...["run", "--rm", "--group-add", "70000", "busybox", "true"],
        );
        assertEquals(refused.code, 125);
        assertStringIncludes(refused.stderr, "Cannot add group 70000: ");
      });

      await t.step("relative paths begin where the user is", async () => {
        const here = (...args: string[]) =>
          run(user.command(["env", "-C", user.home, program, ...args]));
        await succeed(user.command(["mkdir", `${user.home}/hold`]));
        await Deno.writeTextFile(`${user.home}/aye.env`, "AYE=aye\n");
        const { stdout } = await inside(
          here,
          ["--env-file", "aye.env", "--cidfile", "id", "-v", "./hold:/hold"],
          "echo $AYE >/hold/said",
        );
        assertEquals(stdout, "");
        const said = await Deno.readTextFile(`${user.home}/hold/said`);
        assertEquals(said, "aye\n");
        assertEquals((await Deno.readTextFile(`${user.home}/id`)).length, 64);
      });

      await t.step("a device can be given another name", async () => {
        const { stdout } = await inside(
          call,
          ["--device", "/dev/null:/dev/nothing"],
          "echo aye >/dev/nothing; wc -c </dev/nothing",
        );
        assertEquals(stdout.trim(), "0");
      });

      await t.step("processes and memory of others can be shared", async () => {
        for (const pid of [[], ["--pid", "host"]]) {
          const donor = ["run", "-d", "--name", "donor", "--ipc", "shareable"];
          const made = await call(...donor, ...pid, "busybox", "sleep", "99");
          assertEquals(made.code, 0, made.stderr);
          await call("exec", "donor", "sh", "-c", "echo aye >/dev/shm/note");
          const { stdout } = await inside(
            call,
            ["--pid", "container:donor", "--ipc", "container:donor"],
            "cat /dev/shm/note; busybox readlink /proc/self/ns/pid",
          );
          const namespace = await call(
            ...["exec", "donor", "busybox", "readlink", "/proc/self/ns/pid"],
          );
          assertEquals(stdout, `aye\n${namespace.stdout}`);
          const removed = await call("rm", "-f", "donor");
          assertEquals(removed.code, 0, removed.stderr);
        }
      });
    },
  });
}

type Call = (...args: string[]) => ReturnType<typeof run>;

/** A container's script that must succeed. */
async function inside(call: Call, flags: readonly string[], script: string) {
  const outcome = await call(
    ...["run", "--rm", ...flags, "busybox", "sh", "-c", script],
  );
  assertEquals(outcome.code, 0, outcome.stderr);
  return outcome;
}

async function writeRootArchive(path: string): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    writeBusyboxRoot(root);
    await succeed(["tar", "--numeric-owner", "-cf", path, "-C", root, "."]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
