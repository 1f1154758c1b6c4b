import { assertEquals, assertStringIncludes } from "@std/assert";
import { floatLint } from "./float_lint.ts";

const isInstalled = await Deno.stat(
  new URL("../.tools/node_modules/.bin/oxlint", import.meta.url),
).then(() => true, () => false);

const BAD = `
export function forgets(): void { Deno.readTextFile("x"); }
export function confuses(): void { if (Deno.readTextFile("x")) forgets(); }
export function misses(kind: "a" | "b"): void {
  switch (kind) { case "a": return; }
}
`;

const GOOD = `
export async function waits(): Promise<void> { await Deno.readTextFile("x"); }
export function covers(kind: "a" | "b"): void {
  switch (kind) { case "a": case "b": return; }
}
`;

async function lintText(text: string) {
  const directory = await Deno.makeTempDir({ prefix: "coracle-lint-" });
  try {
    await Deno.writeTextFile(`${directory}/sample.ts`, text);
    return await floatLint(["sample.ts"], directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "floatLint() reports a fault when one of each kind is planted",
  ignore: !isInstalled,
  async fn() {
    const { code, report } = await lintText(BAD);
    assertEquals(code, 1);
    assertStringIncludes(report, "no-floating-promises");
    assertStringIncludes(report, "no-misused-promises");
    assertStringIncludes(report, "switch-exhaustiveness-check");
  },
});

Deno.test({
  name: "floatLint() is silent when all is well",
  ignore: !isInstalled,
  async fn() {
    const { code, report } = await lintText(GOOD);
    assertEquals(code, 0, report);
  },
});
