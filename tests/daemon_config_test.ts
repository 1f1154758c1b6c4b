/** The daemon and its configuration, as a whole. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { keysMarkdown } from "./support/config_doc.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { PROGRAM } from "./support/program.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const DOC = `${ROOT}docs/configuration.md`;
const MARKED = /(<!-- keys: .* -->\n)(.*)(<!-- end of keys -->)/s;

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: readonly string[]): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["30", ...PROGRAM, ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function withConfig(
  text: string,
  use: (path: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-config-" });
  try {
    await Deno.writeTextFile(`${dir}/c.toml`, text);
    await use(`${dir}/c.toml`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const store = (dir: string) => [
  ...["--root", `${dir}/root`, "--state", `${dir}/state`],
];

Deno.test("docs/configuration.md has all keys", async () => {
  const doc = await Deno.readTextFile(DOC);
  const keys = `\n${await keysMarkdown()}\n\n`;
  if (Deno.env.get("UPDATE_GOLDEN") === "1") {
    await Deno.writeTextFile(DOC, doc.replace(MARKED, `$1${keys}$3`));
    return;
  }
  const [, , found] = MARKED.exec(doc) ?? [];
  assertEquals(found, keys);
});

Deno.test("config default is a file that the daemon takes without a word", async () => {
  const { stdout, code } = await run("daemon", "config", "default");
  assertEquals(code, 0);
  await withConfig(stdout, async (path, dir) => {
    await using daemon = await openDaemon({ args: ["--config", path] });
    assert(!daemon.log().includes("configuration:"), daemon.log());
    const dumped = await run(
      ...["daemon", "-c", path, ...store(dir), "config", "dump"],
    );
    assertStringIncludes(dumped.stdout, `root = "${dir}/root"`);
  });
});

Deno.test("config migrate writes the newest version of what dockerd writes", async () => {
  const text = `version = 0\nroot = "/r"\ndisabled_plugins = ["cri"]\n` +
    `[grpc]\naddress = "/a"\n[plugins]\n[plugins.linux]\nshim = "x"\n`;
  await withConfig(text, async (path) => {
    const { stdout } = await run("daemon", "-c", path, "config", "migrate");
    assertStringIncludes(stdout, "version = 4");
    assertStringIncludes(stdout, '"io.containerd.grpc.v1.cri"');
    assertStringIncludes(stdout, `server.v1.grpc"]\naddress = "/a"`);
  });
});

Deno.test("config dump and migrate say which keys nobody knows", async () => {
  const text = `version = 3\nfoo = 1\ndisabled_plugins = ["cri"]\n` +
    `[grpc]\nmax_recv_message_size = 1\n`;
  await withConfig(text, async (path) => {
    for (const command of ["dump", "migrate"]) {
      const said = await run("daemon", "-c", path, "config", command);
      assertEquals(said.code, 0, said.stderr);
      assertStringIncludes(said.stdout, "foo = 1");
      const [first = "", second = "", ...more] = said.stderr.trim().split("\n");
      assertStringIncludes(first, `key=foo at=${path}:2`);
      assertStringIncludes(
        second,
        `key=disabled_plugins entry=cri at=${path}:3`,
      );
      assertEquals(more, []);
    }
  });
});

Deno.test("the daemon makes nothing where it is told a wrong place", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-config-" });
  try {
    const both = ["--root", `${dir}/one`, "--state", `${dir}/one`];
    const wrong: readonly [string, readonly string[]][] = [
      [`"rel.sock": not an absolute`, [...store(dir), "--address", "rel.sock"]],
      [`"": not an absolute path`, [...store(dir), "--address="]],
      [`"${dir}/one": it is the root directory, too`, both],
    ];
    for (const [message, flags] of wrong) {
      const { code, stderr } = await run("daemon", ...flags);
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, message);
      assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the daemon does not start with what it can't take", async () => {
  const wrong = {
    "[grpc]\nuid = true\n": "c.toml line 2: expected a whole number",
    "version = 9\n": 'Cannot use 9 for "version"',
    "a = \n": "Cannot parse configuration",
    'required_plugins = ["io.containerd.grpc.v1.cri"]\n':
      'without plugin "io.containerd.grpc.v1.cri"',
    [
      'required_plugins = ["io.containerd.lease.v1.manager"]\n' +
      'disabled_plugins = ["io.containerd.lease.v1.manager"]\n'
    ]: "the configuration disables it",
  };
  for (const [text, message] of Object.entries(wrong)) {
    await withConfig(text, async (path, dir) => {
      const said = await run("daemon", "--config", path, ...store(dir));
      assertEquals(said.code, 1, said.stderr);
      assertStringIncludes(said.stderr, message);
    });
  }
  const absent = await run("daemon", "--config", "/nonexistent/c.toml");
  assertEquals(absent.code, 1);
  assertStringIncludes(absent.stderr, "/nonexistent/c.toml");
});

Deno.test({
  name: "the daemon says in one line what the host does not let it have",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withConfig("", async (_path, dir) => {
      // Root may write everywhere, but not to what is no directory.
      await Deno.writeTextFile(`${dir}/file`, "");
      for (
        const flags of [
          ["--root", `${dir}/file`],
          [...store(dir), "--address", `${dir}/file/socket`],
        ]
      ) {
        const { code, stderr } = await run("daemon", ...flags);
        assertEquals(code, 1, stderr);
        assert(stderr.startsWith("coracle daemon: "), stderr);
        assert(!stderr.includes("    at "), stderr);
      }
    });
  },
});

Deno.test("the daemon says what it does not know on its command line", async () => {
  const said = await run("daemon", "--bogus");
  assertEquals(said.code, 1);
  assertStringIncludes(said.stderr, '"--bogus"');
  assertStringIncludes(said.stderr, "--help");
  const help = await run("daemon", "--help");
  assertEquals(help.code, 0);
  assertStringIncludes(help.stdout, "--log-level");
});

Deno.test("SIGHUP changes the log, and says what needs a restart", async () => {
  await withConfig("", async (path) => {
    await using daemon = await openDaemon({ args: ["--config", path] });
    await Deno.writeTextFile(
      path,
      `oom_score = 1\n[debug]\nlevel = "debug"\nformat = "json"\nloud = 1\n` +
        `[plugins."io.containerd.gc.v1.scheduler"]\nschedule_delay = "1s"\n`,
    );
    Deno.kill(daemon.pid, "SIGHUP");
    await until(daemon, '"logLevel":"debug","logFormat":"json"');
    await until(
      daemon,
      String
        .raw`"changed":"oom_score, plugins.\"io.containerd.gc.v1.scheduler\""`,
    );
    await until(daemon, `"key":"debug.loud","at":"${path}:5"`);
    await Deno.writeTextFile(path, "= nonsense");
    Deno.kill(daemon.pid, "SIGHUP");
    await until(daemon, "the former one holds");
  });
});

Deno.test("plugins ls shows the running daemon's, and what is disabled", async () => {
  const uri = "io.containerd.snapshotter.v1.native";
  await withConfig(`disabled_plugins = ["${uri}"]\n`, async (path) => {
    await using daemon = await openDaemon({ args: ["--config", path] });
    const { stdout } = await daemon.call("plugins", "ls", "--format", "json");
    const statuses = new Map(
      stdout.trim().split("\n").map((line) => JSON.parse(line))
        .map(({ Type, ID, Status }) => [`${Type}.${ID}`, Status]),
    );
    assertEquals(statuses.get(uri), "skip");
    assertEquals(statuses.get("io.containerd.grpc.v1.version"), "ok");
    const theirs = await daemon.expectCtr("plugins", "ls");
    assertEquals(theirs.trim().split("\n").length - 1, statuses.size);
    assertStringIncludes(
      await daemon.expectCtr("plugins", "ls", "-d", "id==overlayfs"),
      "/snapshots/overlayfs",
    );
    await daemon.stop("SIGTERM");
    const none = await daemon.call("plugins", "ls");
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "Cannot find a daemon at");
  });
});

Deno.test({
  name: "the daemon's other sockets are where and whose the configuration says",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withConfig("", async (path, dir) => {
      const [debug, ttrpc] = [`${dir}/new/debug.sock`, `${dir}/ttrpc.sock`];
      await Deno.writeTextFile(
        path,
        `version = 3\n[debug]\naddress = "${debug}"\ngid = 100\n` +
          `[ttrpc]\naddress = "${ttrpc}"\nuid = 65534\ngid = 100\n`,
      );
      await using daemon = await openDaemon({ args: ["--config", path] });
      for (const [socket, owner] of [[debug, 0], [ttrpc, 65534]] as const) {
        const { mode, uid, gid } = await Deno.stat(socket);
        assertEquals(
          [(mode ?? 0) & 0o777, uid, gid],
          [0o660, owner, 100],
          socket,
        );
      }
      // The command has not read the daemon's file.
      const { code, stdout, stderr } = await daemon.call("debug", "stack");
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, `process ${daemon.pid}, up `);
    });
  },
});

async function until(daemon: Daemon, text: string): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    if (daemon.log().includes(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`No "${text}" in:\n${daemon.log()}`);
}
