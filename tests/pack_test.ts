/** The packed executable, with a probe in the place of the command line. */

import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { bundleAll } from "../scripts/build.ts";
import { pack } from "../scripts/pack/pack.ts";
import { VERSION } from "../src/app/self.ts";
import { versionLine } from "../src/cli/commands/version.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Report {
  readonly args: readonly string[];
  readonly execPath: string;
  readonly isPacked: boolean;
  readonly self: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly descriptors: readonly string[];
}

const CLEAN = { clearEnv: true, env: { PATH: "/usr/bin:/bin" } } as const;

async function run(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = CLEAN,
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...options,
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Runs the program and parses the one line of JSON that it writes. */
async function report<T = Report>(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = CLEAN,
): Promise<T> {
  const { code, stdout, stderr } = await run(program, args, options);
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

type Check = (program: string, directory: string) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  async "passes arguments on as they are"(program) {
    const args = ["a b", "--help", "", "-v", "--", "--allow-all", "é\n"];
    assertEquals((await report(program, ["report", ...args])).args, args);
  },

  async "is the executable that it names"(program) {
    const seen = await report(program, ["report"]);
    assertEquals(seen.execPath, program);
    assertEquals(seen.self, [program]);
    assert(seen.isPacked);
  },

  async "starts itself again"(program) {
    const args = ["again", "again", "exit", "9"];
    assertEquals((await run(program, args)).code, 9);
  },

  async "gives the program's exit code"(program) {
    for (const code of [0, 1, 125, 255]) {
      assertEquals((await run(program, ["exit", `${code}`])).code, code);
    }
  },

  async "leaves the environment as it was"(program) {
    const env = {
      PATH: "/usr/bin:/bin",
      EMPTY: "",
      NODE_ENV: "test",
      NODE_OPTIONS: "--require /nowhere.js",
      DENO_DIR: "/nowhere",
      DENO_V8_FLAGS: "--no-such-flag",
      DENO_CONDITIONS: "x",
      DENO_TRACE_PERMISSIONS: "1",
    };
    const seen = await report(program, ["report"], { clearEnv: true, env });
    assertEquals(seen.env, env);
  },

  async "refuses variables that weaken it"(program) {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_CHANNEL_FD: "3" };
    const seen = await report(program, ["report"], { clearEnv: true, env });
    assertEquals(seen.env, {});
  },

  async "opens no descriptor that a child could see"(program) {
    const before = await run("/bin/ls", ["/proc/self/fd"]);
    const seen = await report<string[]>(program, ["children"]);
    assertEquals(seen, before.stdout.trim().split("\n"));
    const own = (await report(program, ["report"])).descriptors;
    assertFalse(own.some((path) => path.includes("memfd")));
  },

  async "answers for its version as the command line does"(program) {
    const line = `${await versionLine()}\n`;
    for (const argument of ["version", "--version"]) {
      assertEquals((await run(program, [argument])).stdout, line);
    }
    assertEquals((await run(program, ["version", "x"])).code, 64);
  },

  async "copies standard input"(program) {
    const child = new Deno.Command(program, {
      ...CLEAN,
      args: ["echo"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("hello"));
    await writer.close();
    const { stdout } = await child.output();
    assertEquals(new TextDecoder().decode(stdout), "hello");
  },

  async "starts when standard input and output are closed"(program) {
    const script = `"$0" exit 5 <&- >&- 2>&-; exit $?`;
    assertEquals((await run("/bin/sh", ["-c", script, program])).code, 5);
  },

  async "loads a chunk when it is needed"(program) {
    assertEquals(await report<string>(program, ["lazy"]), "42");
  },

  async "is compiled already"(program) {
    assertEquals(await report<readonly string[]>(program, ["caches"]), []);
  },

  async "sees which files are there"(program, directory) {
    const paths = [program, directory, `${directory}/none`];
    assertEquals(
      await report<readonly boolean[]>(program, ["exists", ...paths]),
      [true, true, false],
    );
  },

  async "starts a Worker from itself"(program) {
    const seen = await report<{ version: string; url: string }>(
      program,
      ["worker"],
    );
    assertEquals(seen.version, VERSION);
    assertMatch(seen.url, /^coracle:\/\/\/unpack_worker\//);
  },

  async "shows a stack trace in terms of the sources"(program) {
    const { code, stderr } = await run(program, ["fail"]);
    assertEquals(code, 70);
    const line = await lineOf("tests/packed/probe.ts", "throw notFound(");
    assertStringIncludes(stderr, `Cannot find probe "nothing"`);
    assertStringIncludes(
      stderr,
      `at fail (coracle:///tests/packed/probe.ts:${line}:`,
    );
    assertStringIncludes(stderr, "coracle:///src/base/errors.ts:");
    assertFalse(stderr.includes("data:"));
  },

  async "says nothing of its own on a terminal"(program) {
    const { stdout } = await new Deno.Command("script", {
      args: ["--quiet", "--command", `${program} exit 0`, "/dev/null"],
      stdin: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "");
  },

  async "is found on PATH and through a symbolic link"(program, directory) {
    await Deno.symlink(program, `${directory}/linked`);
    const options = { clearEnv: true, env: { PATH: directory } };
    const seen = await report("linked", ["report"], options);
    assertEquals(seen.execPath, program);
    await Deno.remove(`${directory}/linked`);
  },

  async "becomes the shim when it is called so"(program, directory) {
    const name = `${directory}/containerd-shim-coracle-v1`;
    await Deno.symlink(program, name);
    const { code, stderr } = await run(name, ["start"]);
    assertEquals(code, 70);
    assertStringIncludes(stderr, `Cannot start "shim"`);
    await Deno.remove(name);
  },

  async "ignores what lies in the current directory"(program, directory) {
    const cwd = `${directory}/hostile`;
    await Deno.mkdir(`${cwd}/node_modules/x`, { recursive: true });
    for (const name of ["deno.json", "package.json", "deno.lock", ".npmrc"]) {
      await Deno.writeTextFile(`${cwd}/${name}`, "{ bad = ${NOPE");
    }
    const seen = await report(program, ["report", "ok"], { ...CLEAN, cwd });
    assertEquals(seen.args, ["ok"]);
    await Deno.remove(cwd, { recursive: true });
  },

  async "writes nothing into the home directory"(program, directory) {
    const home = `${directory}/home`;
    await Deno.mkdir(home);
    const env = { HOME: home, XDG_CACHE_HOME: `${home}/cache` };
    await report(program, ["lazy"], { clearEnv: true, env });
    await report(program, ["worker"], { clearEnv: true, env });
    assertEquals(await Array.fromAsync(Deno.readDir(home)), []);
    await Deno.remove(home);
  },
};

/** Number of the line that holds `text`, from 1. */
async function lineOf(path: string, text: string): Promise<number> {
  const source = await Deno.readTextFile(
    new URL(`../${path}`, import.meta.url),
  );
  return source.split("\n").findIndex((line) => line.includes(text)) + 1;
}

Deno.test("packed executable", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-pack-" });
  try {
    const program = `${directory}/probe`;
    const contents = await bundleAll({
      cli: { source: "tests/packed/probe.ts", functions: "all" },
      unpack_worker: {
        source: "tests/packed/probe_worker.ts",
        functions: "first",
      },
    });
    await pack(Deno.execPath(), contents, program);
    for (const [name, check] of Object.entries(CHECKS)) {
      await t.step(name, () => check(program, directory));
    }
    await t.step({
      name: "runs as an ordinary user from a place that can't be written",
      ignore: Deno.uid() !== 0,
      async fn() {
        await Deno.chmod(directory, 0o555);
        const seen = await report(program, ["report"], {
          clearEnv: true,
          env: { HOME: "/nonexistent" },
          uid: 65534,
          gid: 65534,
          cwd: "/",
        });
        assertEquals(seen.execPath, program);
        await Deno.chmod(directory, 0o755);
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
