import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin, { LAYERS } from "./layers.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** What the plugin says about `source` at `path` of the repository. */
function lint(path: string, source: string): Deno.lint.Diagnostic[] {
  return Deno.lint.runPlugin(plugin, ROOT + path, source);
}

const rules = (path: string, source: string) =>
  lint(path, source).map((found) => found.id);

const FORBIDDEN: readonly (readonly [string, string])[] = [
  ["src/base/a.ts", "../sys/libc.ts"],
  ["src/oci/a.ts", "../core/image.ts"],
  ["src/core/a.ts", "../engine/pull.ts"],
  ["src/engine/a.ts", "../drivers/registry/client.ts"],
  ["src/engine/deep/a.ts", "../../sys/libc.ts"],
  ["src/drivers/registry/a.ts", "../../engine/pull.ts"],
  ["src/drivers/registry/a.ts", "../content/store.ts"],
  ["src/drivers/registry/a.ts", "../content_local.ts"],
  ["src/drivers/content_local.ts", "./registry/client.ts"],
  ["src/runtime/a.ts", "../shim/service.ts"],
  ["src/app/a.ts", "../cli/main.ts"],
  ["src/cli/a.ts", "../drivers/registry/client.ts"],
  ["src/cli/a.ts", "../../scripts/build.ts"],
  ["src/cli/a.ts", "../../main.ts"],
  ["src/novel/a.ts", "../base/errors.ts"],
  ["src/engine/a.ts", "../core/testing/suite.ts"],
];

const ALLOWED: readonly (readonly [string, string])[] = [
  ["src/base/a.ts", "./errors.ts"],
  ["src/core/a.ts", "../oci/image_spec.ts"],
  ["src/drivers/registry/a.ts", "./client.ts"],
  ["src/drivers/registry/deep/a.ts", "../client.ts"],
  ["src/drivers/content_local.ts", "../sys/libc.ts"],
  ["src/rpc/a.ts", "../../proto/gen/tasks.ts"],
  ["src/core/testing/suite.ts", "./factory.ts"],
  ["src/engine/a_test.ts", "../core/testing/suite.ts"],
  ["src/engine/a_test.ts", "../drivers/registry/client.ts"],
  ["tests/a.ts", "../src/sys/libc.ts"],
  ["main.ts", "./src/cli/main.ts"],
];

Deno.test("layers reports an import when the table forbids it", () => {
  for (const [file, specifier] of FORBIDDEN) {
    assertEquals(
      rules(file, `import { x } from "${specifier}";`),
      ["coracle/layers"],
      `${file} imports ${specifier}`,
    );
  }
});

Deno.test("layers accepts an import when the table allows it", () => {
  for (const [file, specifier] of ALLOWED) {
    assertEquals(
      rules(file, `import { x } from "${specifier}";`),
      [],
      `${file} imports ${specifier}`,
    );
  }
});

Deno.test("layers sees every way to import", () => {
  const ways = [
    `import type { X } from "../sys/libc.ts";`,
    `import "../sys/libc.ts";`,
    `export { x } from "../sys/libc.ts";`,
    `export * from "../sys/libc.ts";`,
    `const x = await import("../sys/libc.ts");`,
    `let x: import("../sys/libc.ts").X;`,
  ];
  for (const source of ways) {
    assertEquals(rules("src/base/a.ts", source), ["coracle/layers"], source);
  }
});

Deno.test("layers says what is allowed when it reports", () => {
  const [found] = lint("src/core/a.ts", `import "../sys/libc.ts";`);
  assertStringIncludes(
    found?.message ?? "",
    "core may import base, oci, but not sys",
  );
});

Deno.test("native-in-sys reports native calls when they are elsewhere", () => {
  const calls = [
    "Deno.dlopen('libc.so.6', {});",
    "Deno['dlopen']('libc.so.6', {});",
    "globalThis.Deno.dlopen('libc.so.6', {});",
    "new Deno.UnsafePointerView(p);",
    "const { dlopen } = Deno;",
  ];
  for (const source of calls) {
    for (const file of ["src/drivers/a.ts", "src/drivers/a_test.ts"]) {
      assertEquals(rules(file, source), ["coracle/native-in-sys"], source);
    }
    assertEquals(rules("src/sys/a.ts", source), [], source);
  }
});

Deno.test("pure reports Deno when the layer only computes", () => {
  const source = "const uid = Deno.uid();";
  for (const layer of ["base", "oci", "core"]) {
    assertEquals(rules(`src/${layer}/a.ts`, source), ["coracle/pure"]);
    assertEquals(rules(`src/${layer}/a_test.ts`, source), []);
  }
  assertEquals(rules("src/engine/a.ts", source), []);
});

Deno.test("lazy-node reports a module of Node's when every start loads it", () => {
  const source = `import { createHash } from "node:crypto";`;
  assertEquals(rules("src/engine/a.ts", source), ["coracle/lazy-node"]);
  assertEquals(
    rules("src/engine/a.ts", `import type { Hash } from "node:crypto";`),
    [],
  );
  assertEquals(
    rules("src/engine/a.ts", `const c = await import("node:crypto");`),
    [],
  );
  assertEquals(rules("src/engine/a_test.ts", source), []);
});

Deno.test("LAYERS points downwards only", () => {
  const height = new Map(Object.keys(LAYERS).map((name, i) => [name, i]));
  for (const [layer, allowed] of Object.entries(LAYERS)) {
    for (const lower of allowed) {
      if (lower === "proto/gen") continue;
      assertEquals(
        (height.get(lower) ?? Infinity) < (height.get(layer) ?? -1),
        true,
        `${layer} imports ${lower}`,
      );
    }
  }
});
