/** What users see of `exec`: failures once, and what becomes of its process. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parentOf } from "../src/sys/pidfd.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { programCommand } from "./support/program.ts";

/** Longer than a command takes to find the container's process. */
const SHIM_BUSY_MS = 300;

async function ok(store: RunStore, ...args: string[]): Promise<void> {
  const { code, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
}

/** `exec`s a shell whose script says when it can be ended. */
async function startExec(store: RunStore, script: string) {
  const args = ["exec", "web", "sh", "-c", script];
  const child = programCommand([...store.flags, ...args], {
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return child;
}

Deno.test({
  name: "coracle exec",
  ignore: Deno.uid() !== 0,
  async fn(t) {
    await using store = await openRunStore();
    await ok(store, "run", "-d", "--name", "web", IMAGE, "sleep", "1000");
    try {
      await t.step("says once that there is no such command", async () => {
        for (const how of [["web"], ["-d", "web"], ["-t", "web"]]) {
          const { code, stderr } = await store.call(["exec", ...how, "nosuch"]);
          assertEquals([code, stderr.trim()], [
            127,
            'coracle: exec: "nosuch": executable file not found in $PATH',
          ]);
        }
      });

      await t.step("says that a container has ended meanwhile", async () => {
        await ok(store, "run", "-d", "--name", "brief", IMAGE, "sleep", "1000");
        const { stdout } = await store.call(
          ["inspect", "-f", "{{.State.Pid}}", "brief"],
        );
        const pid = Number(stdout);
        const shim = parentOf(pid) ?? 0;
        Deno.kill(shim, "SIGSTOP");
        Deno.kill(pid, "SIGKILL");
        const trying = store.call(["exec", "brief", "true"]);
        await new Promise((resolve) => setTimeout(resolve, SHIM_BUSY_MS));
        Deno.kill(shim, "SIGCONT");
        const { code, stderr } = await trying;
        assertEquals(code, 1);
        assertMatch(
          stderr,
          /^coracle: Cannot exec in container: brief: container \w+ is not running$/m,
        );
        await ok(store, "rm", "brief");
      });

      await t.step("says once that a file is not to be executed", async () => {
        const { code, stderr } = await store.call(["exec", "web", "/bin"]);
        assertEquals([code, stderr.trim()], [
          126,
          'coracle: exec: "/bin": permission denied',
        ]);
      });

      await t.step("says once that there is no such directory", async () => {
        const chdir = "exec failed: unable to start container process: " +
          'chdir to cwd ("/nonexistent") set in config.json failed: ' +
          "no such file or directory";
        for (const how of [["web"], ["-d", "web"], ["-t", "web"]]) {
          const { code, stdout, stderr } = await store.call(
            ["exec", "-w", "/nonexistent", ...how, "true"],
          );
          assertEquals([code, stdout, stderr.trim()], [
            126,
            "",
            `coracle: OCI runtime exec failed: ${chdir}`,
          ]);
        }
        const refused = async (directory: string) => {
          const { code, stderr } = await store.call(
            ["exec", "-w", directory, "web", "true"],
          );
          return [code, stderr.trim().split("\n").length, stderr.trim()];
        };
        const [, , noDirectory] = await refused("/bin/sh");
        assertStringIncludes(String(noDirectory), ": not a directory");
        assertEquals(await refused("bin"), [
          126,
          1,
          "coracle: OCI runtime exec failed: exec failed: " +
          "Cwd must be an absolute path",
        ]);
        // Seen by the runtime only, which says it on our standard error.
        const [code, lines, text] = await refused("/proc/nonexistent");
        assertEquals([code, lines], [126, 1]);
        assertStringIncludes(String(text), 'cwd ("/proc/nonexistent")');
      });

      await t.step(
        "works in the container's directory with -w ''",
        async () => {
          const { stdout } = await store.call(["exec", "-w", "", "web", "pwd"]);
          assertEquals(stdout, "/\n");
        },
      );

      await t.step("killed, leaves its process running", async () => {
        const child = await startExec(store, "echo up; sleep 1; echo on > /on");
        child.kill("SIGKILL");
        await child.status;
        const look = "for i in $(seq 200); do " +
          "[ -e /on ] && exit 0; sleep 0.05; done; exit 1";
        await ok(store, "exec", "web", "sh", "-c", look);
      });

      await t.step("passes SIGTERM on to its process", async () => {
        const script = "trap 'exit 9' TERM; echo up; " +
          "while :; do sleep 0.05; done";
        const child = await startExec(store, script);
        child.kill("SIGTERM");
        assertEquals((await child.status).code, 9);
      });
    } finally {
      await store.call(["rm", "-f", "web"]);
    }
  },
});
