import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { ProxyPluginConfig } from "./config/daemon_config.ts";
import { openProxies, proxyPlugins } from "./proxy_plugins.ts";

function configOf(name: string, type: string) {
  const proxy: ProxyPluginConfig = {
    type,
    address: "/run/proxy.sock",
    exports: {},
    capabilities: [],
  };
  return {
    proxyPlugins: new Map([[name, proxy]]),
    disabledPlugins: new Set<string>(),
  };
}

Deno.test("openProxies() refuses the names of our own snapshotters", () => {
  for (const name of ["overlayfs", "native"]) {
    const error = assertThrows(
      () => openProxies(configOf(name, "snapshot")),
      EngineError,
    );
    assertEquals(error.code, "failedPrecondition");
  }
});

Deno.test("proxyPlugins() shows each under the type of containerd", () => {
  const keys = ["snapshot", "content", "diff", "sandbox"].map((type) =>
    proxyPlugins(configOf("there", type)).map(({ key }) => key)
  );
  assertEquals(keys, [
    [{ type: "io.containerd.snapshotter.v1", id: "there" }],
    [{ type: "io.containerd.content.v1", id: "there" }],
    [{ type: "io.containerd.differ.v1", id: "there" }],
    [{ type: "io.containerd.sandbox.controller.v1", id: "there" }],
  ]);
});
