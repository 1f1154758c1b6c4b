import { assertEquals, assertThrows } from "@std/assert";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import { createLogger, type LogEntry, silentLogger } from "../../base/log.ts";
import type { Services } from "../../core/services.ts";
import { EMPTY_CONFIG } from "./config/daemon_config.ts";
import { inOrder, openPlugins, type PluginBase } from "./open_plugins.ts";
import { type Plugin, plugin, SkipPlugin } from "./plugin.ts";

const base: PluginBase = {
  // None of these plugins asks for any.
  services: {} as Services,
  paths: { root: "/r", state: "/s" },
  log: silentLogger,
  logLevel: () => "info",
  now: () => new Date(),
  stopping: new AbortController().signal,
  daemon: EMPTY_CONFIG,
  address: "/s/coracle.sock",
  configOf: (uri) => ({ uri }),
  isDisabled: (uri) => uri === "t.off",
};

const key = (id: string) => ({ type: "t", id });

Deno.test("openPlugins() opens in the order of what is required", async () => {
  const opened: string[] = [];
  const named = (id: string, ...requires: readonly string[]): Plugin =>
    plugin(key(id), requires.map(key), ({ defer, config }) => {
      opened.push(String(config["uri"]));
      defer(() => {
        opened.push(`-${id}`);
      });
      return id;
    });
  {
    await using plugins = await openPlugins(
      [named("a", "c"), named("b"), named("c")],
      base,
    );
    assertEquals(plugins.all("t"), ["c", "a", "b"]);
  }
  assertEquals(opened, ["t.c", "t.a", "t.b", "-b", "-a", "-c"]);
});

Deno.test("openPlugins() keeps failures, also of those that require them", async () => {
  const plugins = await openPlugins([
    plugin(key("off"), [], () => 1),
    plugin(key("skips"), [], () => {
      throw new SkipPlugin("nothing to do");
    }),
    plugin(key("fails"), [], () => Promise.reject(new Error("no"))),
    plugin(key("needs"), [key("fails")], () => 1),
    plugin(key("works"), [], () => 1),
  ], base);
  await using _ = plugins;
  assertEquals(
    plugins.statuses().map(({ id, failure }) => [id, failure?.kind]),
    [
      ["off", "skip"],
      ["skips", "skip"],
      ["fails", "error"],
      ["needs", "error"],
      ["works", undefined],
    ],
  );
});

Deno.test("openPlugins() logs what is to be done about a failure", async () => {
  const entries: LogEntry[] = [];
  const log = createLogger({ level: "warn", sink: (it) => entries.push(it) });
  const hint = "Write another one";
  await using _ = await openPlugins([
    plugin(key("a"), [], () => {
      throw invalidArgument("Cannot do", { hint });
    }),
    plugin(key("b"), [], () => {
      throw new Error("no");
    }),
  ], { ...base, log });
  assertEquals(
    entries.map(({ fields }) => [fields["plugin"], fields["hint"]]),
    [["t.a", hint], ["t.b", undefined]],
  );
});

Deno.test("inOrder() refuses plugins that require each other", () => {
  const circle = [
    plugin(key("a"), [key("b")], () => 1),
    plugin(key("b"), [key("a")], () => 1),
  ];
  assertThrows(() => inOrder(circle), EngineError, "t.a → t.b → t.a");
});
