import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { configPath, loadConfig, usualConfig } from "./config.ts";
import { defaultText } from "./daemon/config/defaults.ts";

async function withFile(
  text: string,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("configPath() prefers the environment, then the user's file", () => {
  assertEquals(
    configPath((name) => name === "CORACLE_CONFIG" ? "/x.toml" : undefined, 0),
    "/x.toml",
  );
  assertEquals(configPath(() => undefined, 0), "/etc/coracle/config.toml");
  assertEquals(
    configPath((name) => name === "HOME" ? "/home/me" : undefined, 1000),
    "/home/me/.config/coracle/config.toml",
  );
});

Deno.test("loadConfig() is empty when there is no file, or nothing in it", async () => {
  const path = "/nonexistent/config.toml";
  assertEquals(await loadConfig(path, "empty"), { registry: {} });
  assertEquals(await loadConfig("/dev/null", "fail"), { registry: {} });
});

Deno.test("usualConfig() misses a file that is named", async () => {
  await assertRejects(
    () => usualConfig(() => "/nonexistent/config.toml", 0),
    EngineError,
    `"/nonexistent/config.toml": there is no such file`,
  );
});

Deno.test("loadConfig() reads every key", async () => {
  const text = `root = "/r"\nstate = "/s"\nsnapshotter = "native"\n` +
    `runtime = "crun"\nlog_level = "debug"\nlog_format = "json"\n` +
    `[shim]\ngrouping = "namespace"\n` +
    `[registry]\nconfig_path = ["/a", "/b"]\n`;
  await withFile(text, async (path) => {
    assertEquals(await loadConfig(path, "fail"), {
      root: "/r",
      state: "/s",
      snapshotter: "native",
      runtime: "crun",
      logLevel: "debug",
      logFormat: "json",
      shimGrouping: "namespace",
      registry: { configPath: ["/a", "/b"] },
    });
  });
});

Deno.test("loadConfig() names the line of an unknown key", async () => {
  await withFile(`root = "/r"\n[registry]\nconfigpath = []\n`, async (path) => {
    await assertRejects(
      () => loadConfig(path, "fail"),
      EngineError,
      `"registry.configpath" in ${path} line 3`,
    );
  });
});

Deno.test("loadConfig() refuses a value of the wrong kind", async () => {
  await withFile(`log_level = "loud"\n`, async (path) => {
    await assertRejects(
      () => loadConfig(path, "fail"),
      EngineError,
      `Cannot use "loud" for "log_level"`,
    );
  });
});

Deno.test("loadConfig() leaves what is the daemon's to the daemon", async () => {
  const text = `version = 2\nroot = "/r"\n[grpc]\naddress = "/s"\n` +
    `[plugins."io.containerd.gc.v1.scheduler"]\npause_threshold = 0.1\n`;
  await withFile(text, async (path) => {
    assertEquals(await loadConfig(path, "fail"), { root: "/r", registry: {} });
  });
});

Deno.test("loadConfig() takes the daemon's default for no configuration", async () => {
  await withFile(defaultText(), async (path) => {
    const { registry, logLevel, ...rest } = await loadConfig(path, "fail");
    assertEquals(registry, {});
    assertEquals(logLevel, "info");
    assertEquals(rest, {
      runtime: "runc",
      logFormat: "text",
      shimGrouping: "container",
      imageVerifier: {
        bin_dir: "/opt/containerd/image-verifier/bin",
        max_verifiers: 10,
        per_verifier_timeout: "10s",
      },
    });
  });
});

Deno.test("loadConfig() takes the image verifiers from the daemon's plugins", async () => {
  const plugin = "io.containerd.image-verifier.v1.bindir";
  const of = async (text: string) => {
    let found: unknown;
    await withFile(text, async (path) => {
      found = (await loadConfig(path, "fail")).imageVerifier;
    });
    return found;
  };
  assertEquals(await of(""), undefined);
  assertEquals(await of('[plugins."other"]\nx = 1\n'), undefined);
  assertEquals(
    await of(`[plugins."${plugin}"]\nbin_dir = "/checks"\n`),
    { bin_dir: "/checks" },
  );
  assertEquals(
    await of(`disabled_plugins = ["${plugin}"]\n`),
    "disabled",
  );
});
