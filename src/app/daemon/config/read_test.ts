import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineError } from "../../../base/errors.ts";
import { parseConfig } from "./parse.ts";
import { type ReadConfig, readConfig } from "./read.ts";

async function withFiles(
  files: Readonly<Record<string, string>>,
  use: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-config-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${dir}/${name}`;
      const parent = path.slice(0, path.lastIndexOf("/"));
      await Deno.mkdir(parent, { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function read(text: string): Promise<ReadConfig> {
  let result: ReadConfig | undefined;
  await withFiles({ "c.toml": text }, async (dir) => {
    result = await readConfig(`${dir}/c.toml`, () => false);
  });
  return result as ReadConfig;
}

const SCHEDULER = "io.containerd.gc.v1.scheduler";

Deno.test("readConfig() gives all versions the same meaning", async () => {
  const rest = `root = "/r"\n`;
  const plugins = `[plugins."${SCHEDULER}"]\npause_threshold = 0.1\n`;
  const servers = `[grpc]\naddress = "/a"\ngid = 7\n[metrics]\n` +
    `address = "127.0.0.1:1"\n[debug]\naddress = "/d"\nlevel = "debug"\n`;
  const versions = [
    `version = 0\n${rest}${servers}[plugins.scheduler]\n` +
    `pause_threshold = 0.1\n[plugins.restart]\ninterval = "3s"\n`,
    `version = 2\n${rest}${servers}${plugins}` +
    `[plugins."io.containerd.internal.v1.restart"]\ninterval = "3s"\n`,
    `version = 3\n${rest}${servers}${plugins}` +
    `[plugins."io.containerd.monitor.container.v1.restart"]\n` +
    `interval = "3s"\n`,
    `version = 4\n${rest}[debug]\nlevel = "debug"\n${plugins}` +
    `[plugins."io.containerd.monitor.container.v1.restart"]\n` +
    `interval = "3s"\n[plugins."io.containerd.server.v1.grpc"]\n` +
    `address = "/a"\ngid = 7\n[plugins."io.containerd.server.v1.metrics"]\n` +
    `address = "127.0.0.1:1"\n[plugins."io.containerd.server.v1.debug"]\n` +
    `address = "/d"\n`,
  ];
  const [first, ...others] = await Promise.all(
    versions.map(async (text) => ({
      ...parseConfig(await read(text)),
      files: [],
    })),
  );
  assertEquals(first?.grpc, { address: "/a", gid: 7 });
  assertEquals(first?.debug, { address: "/d", level: "debug" });
  assertEquals(first?.plugins.get(SCHEDULER), { pause_threshold: 0.1 });
  for (const other of others) assertEquals(other, first);
});

Deno.test("readConfig() takes plugins without types for version 1", async () => {
  const { table, notes } = await read(`disabled_plugins = ["cri"]\n`);
  assertEquals(table["disabled_plugins"], ["io.containerd.grpc.v1.cri"]);
  assertEquals(notes.map(({ key }) => key), ["version"]);
});

Deno.test("readConfig() refuses a version that is not known", async () => {
  for (const version of ["5", '"2"', "1.5"]) {
    await assertRejects(
      () => read(`\nversion = ${version}\n`),
      EngineError,
      `line 2: expected a whole number from 1 to 4`,
    );
  }
});

Deno.test("readConfig() notes unknown keys with their lines", async () => {
  const { notes } = await read(
    `version = 2\nfoo = 1\n[grpc]\nadress = "/x"\n` +
      `[plugins."io.containerd.nope.v1.x"]\na = 1\n`,
  );
  assertEquals(
    notes.map(({ kind, key, line }) => [kind, key, line]),
    [
      ["unknown", "foo", 2],
      ["unknown", "grpc.adress", 4],
      ["unknown", 'plugins."io.containerd.nope.v1.x"', 5],
    ],
  );
});

Deno.test("readConfig() tells keys without effect only if they are changed", async () => {
  const { notes } = await read(
    `version = 2\nplugin_dir = ""\n[cgroup]\npath = ""\n[grpc]\n` +
      `max_recv_message_size = 1\ntcp_address = ""\n`,
  );
  assertEquals(
    notes.map(({ kind, key, line }) => [kind, key, line]),
    [["unused", "grpc.max_recv_message_size", 6]],
  );
});

Deno.test("readConfig() tells whole tables that change nothing", async () => {
  const { notes } = await read(
    `version = 2\n[stream_processors."io.example.tar"]\npath = "decoder"\n` +
      `[timeouts]\n"io.containerd.timeout.shim.load" = "5s"\n`,
  );
  assertEquals(
    notes.map(({ kind, key }) => [kind, key]),
    [["unused", "stream_processors"], ["unused", "timeouts"]],
  );
});

Deno.test("readConfig() refuses a value of another kind, with its line", async () => {
  const wrong = {
    'version = 2\n[grpc]\nuid = "root"\n': "line 3: expected a whole number",
    "version = 2\ngrpc = 1\n": "line 2: expected a table",
    'version = 2\n[debug]\nlevel = "loud"\n': "line 3: expected trace",
    "version = 2\nimports = [1]\n": "line 2: expected a list of texts",
    [`version = 2\n[plugins."${SCHEDULER}"]\nstartup_delay = "soon"\n`]:
      "line 3: expected a duration",
  };
  for (const [text, message] of Object.entries(wrong)) {
    await assertRejects(() => read(text), EngineError, message);
  }
});

Deno.test("readConfig() lets imported files have the last word", async () => {
  await withFiles({
    "c.toml": `version = 2\nroot = "/r"\nimports = ["conf.d/*.toml"]\n` +
      `disabled_plugins = ["a.b"]\n[plugins."${SCHEDULER}"]\n` +
      `pause_threshold = 0.1\nmutation_threshold = 7\n`,
    "conf.d/1.toml": `version = 2\nroot = "/one"\ndisabled_plugins = ["c.d"]\n`,
    "conf.d/2.toml": `version = 4\nroot = "/two"\nimports = ["../c.toml"]\n` +
      `[plugins."${SCHEDULER}"]\npause_threshold = 0.3\n`,
    "conf.d/not.txt": `nonsense`,
  }, async (dir) => {
    const { table, files } = await readConfig(`${dir}/c.toml`, () => false);
    assertEquals(table["root"], "/two");
    assertEquals(table["disabled_plugins"], ["a.b", "c.d"]);
    assertEquals(table["plugins"], {
      [SCHEDULER]: { pause_threshold: 0.3, mutation_threshold: 7 },
    });
    assertEquals(files.length, 3);
  });
});

Deno.test("parseConfig() knows proxies", async () => {
  const config = parseConfig(
    await read(`version = 2
[proxy_plugins.stargz]
  type = "snapshot"
  address = "/run/stargz.sock"
  [proxy_plugins.stargz.exports]
    root = "/var/lib/stargz"
[proxy_plugins.blobs]
  type = "io.containerd.content.v1"
  address = "/run/blobs.sock"
`),
  );
  assertEquals(config.proxyPlugins.get("stargz"), {
    type: "snapshot",
    address: "/run/stargz.sock",
    exports: { root: "/var/lib/stargz" },
    capabilities: [],
  });
  assertEquals(config.proxyPlugins.get("blobs")?.type, "content");
});

Deno.test("parseConfig() takes addresses with a scheme, and no relative ones", async () => {
  const config = parseConfig(
    await read(
      `version = 3\n[grpc]\naddress = "unix:///g"\n[ttrpc]\naddress = "/t"\n`,
    ),
  );
  assertEquals([config.grpc, config.ttrpc], [
    { address: "/g" },
    { address: "/t" },
  ]);
  for (const section of ["grpc", "ttrpc"]) {
    const wrong = await read(`version = 3\n[${section}]\naddress = "a/b"\n`);
    const { message, hint } = assertThrows(
      () => parseConfig(wrong),
      EngineError,
    );
    assertEquals(message, 'Cannot listen on "a/b": not an absolute path');
    assertEquals(hint?.includes(`[${section}]`), true, hint);
  }
});

Deno.test("readConfig() notes what is to be disabled and is no plugin", async () => {
  const ours = "io.containerd.snapshotter.v1.native";
  await withFiles({
    "c.toml": `version = 2\nimports = ["p.toml"]\n\ndisabled_plugins = [\n` +
      `"${ours}", "cri", "io.containerd.grpc.v1.cri", "com.example.v1.x",\n` +
      `"io.containerd.snapshotter.v1.zfs", "io.containerd.grpc.v1.nope",\n` +
      `"io.containerd.snapshotter.v1.stargz"]\n`,
    "p.toml": `version = 2\n[proxy_plugins.stargz]\ntype = "snapshot"\n` +
      `address = "/s"\n`,
  }, async (dir) => {
    const { notes } = await readConfig(`${dir}/c.toml`, (uri) => uri === ours);
    assertEquals(
      notes.map(({ kind, key, entry, line }) => [kind, key, entry, line]),
      [
        ["unknown", "disabled_plugins", "cri", 4],
        ["unknown", "disabled_plugins", "com.example.v1.x", 4],
        ["unused", "disabled_plugins", "io.containerd.grpc.v1.nope", 4],
      ],
    );
    assertEquals(notes[0]?.says.includes("TYPE.ID"), true);
  });
});

Deno.test("readConfig() takes levels as containerd does", async () => {
  for (const level of ["WARNING", "Debug"]) {
    const { table } = await read(`[debug]\nlevel = "${level}"\n`);
    assertEquals(table["debug"], { level });
  }
  await assertRejects(() => read(`[debug]\nlevel = "loud"\n`), EngineError);
});

Deno.test("readConfig() knows what containerd says of transfers", async () => {
  const plugin = 'plugins."io.containerd.transfer.v1.local"';
  const { notes } = await read(
    `version = 3\n[${plugin}]\ncheck_platform_supported = true\n` +
      `concurrent_layer_fetch_buffer = 8\n[[${plugin}.unpack_config]]\n` +
      `platform = "linux/amd64"\n`,
  );
  assertEquals(
    notes.map(({ kind, line }) => [kind, line]),
    [["unused", 3], ["unused", 4], ["unused", 5]],
  );
});
