/** `coracle logs` on what containers have really written. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { coracle } from "./support/coracle.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { programCommand } from "./support/program.ts";

function start(store: RunStore, args: readonly string[]): Deno.ChildProcess {
  return programCommand([...store.flags, ...args], {
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function runDetached(
  store: RunStore,
  name: string,
  flags: readonly string[],
  script: string,
): Promise<void> {
  const { code, stderr } = await store.call(
    ["run", "-d", "--name", name, ...flags, IMAGE, "sh", "-c", script],
  );
  assertEquals(code, 0, stderr);
}

/**
 * Lets a container write more than there is room for, to its own end.
 * @returns what unmounts the small disk that its log is on
 */
async function fillLog(
  store: RunStore,
  name: string,
): Promise<AsyncDisposable> {
  const script = "seq 100000; echo > /last; exit 7";
  const { stdout } = await store.call(
    ["create", "--name", name, IMAGE, "sh", "-c", script],
  );
  const [namespace = ""] = store.flags.slice(-1);
  const directory =
    `${store.dir}/root/containers/${namespace}/${stdout.trim()}`;
  const small = await Deno.makeTempDir({ dir: store.dir });
  await must("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small);
  for await (const { name } of Deno.readDir(directory)) {
    await Deno.copyFile(`${directory}/${name}`, `${small}/${name}`);
  }
  await must("mount", "--bind", small, directory);
  await must("umount", "-l", small);
  await store.call(["start", name]);
  await store.call(["wait", name]);
  return { [Symbol.asyncDispose]: () => must("umount", "-l", directory) };
}

async function must(program: string, ...args: readonly string[]) {
  const { success } = await new Deno.Command(program, { args: [...args] })
    .output();
  assert(success, `${program} ${args.join(" ")}`);
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}\n`)
    .join("");

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /gm;
const UNREADABLE = "configured logging driver does not support reading";

Deno.test({
  name: "coracle logs",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const logs = (...args: readonly string[]) => store.call(["logs", ...args]);

    await t.step("shows each stream where it belongs", async () => {
      await runDetached(
        store,
        "plain",
        [],
        "echo one; echo error >&2; printf two",
      );
      await store.call(["wait", "plain"]);
      assertEquals(await logs("plain"), {
        code: 0,
        stdout: "one\ntwo",
        stderr: "error\n",
      });
      const { stdout } = await logs("-t", "--details", "plain");
      assertEquals(stdout.match(STAMP)?.length, 2);
      assertEquals(stdout.replaceAll(STAMP, ""), " one\n two");
    });

    await t.step("follows over rotation, until the end", async () => {
      const last = 400;
      await runDetached(
        store,
        "long",
        ["--log-opt", "max-size=4k", "--log-opt", "max-file=9"],
        `i=0; while [ $i -lt ${last} ]; do i=$((i+1)); echo line $i; ` +
          "[ $((i%40)) -eq 0 ] && sleep 0.1; done",
      );
      const followed = await logs("-f", "long");
      assertEquals(followed, {
        code: 0,
        stdout: numbered(1, last),
        stderr: "",
      });
      assertEquals((await logs("long")).stdout, numbered(1, last));
      assertEquals(
        (await logs("-n", "150", "long")).stdout,
        numbered(last - 149, last),
      );
      assertEquals((await logs("--tail=0", "-f", "long")).stdout, "");
      assertEquals((await logs("--since", "0s", "long")).stdout, "");
      assertEquals((await logs("--until", "1h", "long")).stdout, "");
    });

    await t.step(
      "shows what a terminal got, and what restarts wrote",
      async () => {
        await runDetached(store, "tty", ["-t"], "echo tty");
        await store.call(["wait", "tty"]);
        assertEquals((await logs("tty")).stdout, "tty\r\n");
        await store.call(["start", "tty"]);
        await store.call(["wait", "tty"]);
        assertEquals((await logs("tty")).stdout, "tty\r\ntty\r\n");
      },
    );

    await t.step(
      "ends when its reader has gone, or it is told to",
      async () => {
        await runDetached(
          store,
          "ticking",
          ["--log-driver", "local"],
          "while echo tick; do sleep 0.05; done",
        );
        const gone = start(store, ["logs", "-f", "ticking"]);
        const reader = gone.stdout.getReader();
        await reader.read();
        await reader.cancel();
        await gone.stderr.cancel();
        await gone.status;
        const told = start(store, ["logs", "-f", "ticking"]);
        const output = told.stdout.getReader();
        await output.read();
        told.kill("SIGINT");
        assertEquals((await told.status).code, 130);
        await output.cancel();
        await told.stderr.cancel();
        await store.call(["kill", "ticking"]);
      },
    );

    await t.step("says that some was lost on a full disk", async () => {
      await using disk = new AsyncDisposableStack();
      disk.use(await fillLog(store, "full"));
      const { code, stdout, stderr } = await logs("full");
      assertEquals(code, 0);
      assert(/^(\d+\n)*$/.test(stdout), stdout);
      assertEquals(stderr.match(/not logged/g)?.length, 1);
      assertStringIncludes(stderr, "No space left on device");
      const { stdout: error } = await store.call(
        ["inspect", "-f", "{{.State.ExitCode}} {{.State.LogError}}", "full"],
      );
      assertStringIncludes(error, "7 ");
      assertStringIncludes(error, "No space left on device");
      await disk.disposeAsync();
      await store.call(["rm", "full"]);
    });

    await t.step("says what it can't read", async () => {
      await runDetached(store, "silent", ["--log-driver", "none"], "echo x");
      await store.call(["run", "--name", "front", IMAGE, "echo", "x"]);
      for (const name of ["silent", "front"]) {
        const { code, stderr } = await logs(name);
        assertEquals(code, 1);
        assertStringIncludes(stderr, UNREADABLE);
      }
      await store.call(["create", "--name", "new", IMAGE, "true"]);
      assertEquals(await logs("-f", "new"), {
        code: 0,
        stdout: "",
        stderr: "",
      });
      assertEquals((await logs("nobody")).code, 1);
      assertEquals((await logs("--tail", "x", "plain")).code, 1);
    });

    await t.step("has its options checked when they are typed", async () => {
      const wrong = [
        [["--log-driver", "sylog"], "no log driver named 'sylog'"],
        [["--log-opt", "max-sise=1m"], "unknown log opt 'max-sise'"],
        [["--log-opt", "max-file=0"], "max-file cannot be less than 1"],
      ] as const;
      for (const [flags, message] of wrong) {
        const { code, stderr } = await store.call(
          ["run", "-d", ...flags, IMAGE, "true"],
        );
        assertEquals(code, 125);
        assertStringIncludes(stderr, message);
      }
    });

    await t.step(
      "is counted by system df, and goes with the container",
      async () => {
        const line = async () => {
          const { stdout } = await store.call(["system", "df"]);
          return stdout.split("\n").find((text) => text.startsWith("Logs"));
        };
        assert(
          /^Logs +4 +0 +[\d.]+kB +[\d.]+kB \(100%\)$/.test(await line() ?? ""),
        );
        await store.call(
          [
            "rm",
            "-f",
            "plain",
            "long",
            "tty",
            "ticking",
            "silent",
            "front",
            "new",
          ],
        );
        assert(/^Logs +0 +0 +0B +0B/.test(await line() ?? ""), await line());
        assertEquals(await store.leftovers(), []);
      },
    );
  },
});

Deno.test("coracle logs --help names docker's flags", async () => {
  const { stdout } = await coracle(["logs", "--help"]);
  for (
    const flag of ["--details", "-f, --follow", "--since", "-n, --tail"]
  ) {
    assertStringIncludes(stdout, flag);
  }
});
