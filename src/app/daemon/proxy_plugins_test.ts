import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { ProxyKind, ProxyPluginConfig } from "./config/daemon_config.ts";
import { contentInUse, openProxies, proxyPlugins } from "./proxy_plugins.ts";

function configOf(name: string, type: ProxyKind) {
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

Deno.test("openProxies() refuses the names of our own plugins", async () => {
  const ours = [
    ...[["overlayfs", "snapshot"], ["native", "snapshot"]],
    ...[["content", "content"], ["walking", "diff"], ["shim", "sandbox"]],
  ] as const;
  for (const [name, type] of ours) {
    const error = await assertRejects(
      () => openProxies(configOf(name, type)),
      EngineError,
    );
    assertEquals(error.code, "failedPrecondition");
  }
});

Deno.test("proxyPlugins() shows each under the type of containerd", () => {
  const kinds = ["snapshot", "content", "diff", "sandbox"] as const;
  const keys = kinds.map((type) =>
    proxyPlugins(configOf("there", type)).map(({ key }) => key)
  );
  assertEquals(keys, [
    [{ type: "io.containerd.snapshotter.v1", id: "there" }],
    [{ type: "io.containerd.content.v1", id: "there" }],
    [{ type: "io.containerd.differ.v1", id: "there" }],
    [{ type: "io.containerd.sandbox.controller.v1", id: "there" }],
  ]);
});

Deno.test("contentInUse() is a program's when ours is disabled, and no choice", () => {
  const { proxyPlugins: one } = configOf("one", "content");
  const { proxyPlugins: two } = configOf("two", "content");
  const ours = "io.containerd.content.v1.content";
  const disabled = new Set([ours]);
  const idOf = (proxyPlugins: typeof one, disabledPlugins: Set<string>) =>
    contentInUse({ proxyPlugins, disabledPlugins }).id;
  assertEquals(idOf(one, new Set()), "content");
  assertEquals(idOf(new Map(), disabled), "content");
  assertEquals(idOf(one, disabled), "one");
  const both = new Map([...one, ...two]);
  const error = assertThrows(() => idOf(both, disabled), EngineError);
  assertEquals(error.code, "failedPrecondition");
  const other = new Set([ours, "io.containerd.content.v1.one"]);
  assertEquals(idOf(both, other), "two");
});
