import { assertEquals, assertThrows } from "@std/assert";
import { checkSource, scriptOf } from "./script.ts";

type Part = (
  load: (specifier: string) => Promise<unknown>,
  meta: unknown,
) => Promise<Record<string, unknown>>;

function evaluate(
  chunk: string,
  chunks: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  const part: Part = (0, eval)(scriptOf(chunk, "a.js").text);
  return part(
    (name) => Promise.resolve(chunks[name]),
    { url: "coracle:///a.js" },
  );
}

Deno.test("scriptOf() gives the exports under their names", async () => {
  const chunk = "var a=1,b=2;export{a as one,b};";
  assertEquals(await evaluate(chunk), { one: 1, b: 2 });
});

Deno.test("scriptOf() takes imports of every form", async () => {
  const chunk = 'import{a as b,c}from"./x.js";import*as d from"./x.js";' +
    'import e from"./x.js";import f,{c as g}from"./x.js";import"./x.js";' +
    "export{b,c,d,e,f,g};";
  const x = { a: 1, c: 2, default: 3 };
  assertEquals(
    await evaluate(chunk, { "./x.js": x }),
    { b: 1, c: 2, d: x, e: 3, f: 3, g: 2 },
  );
  assertEquals(scriptOf(chunk, "a.js").chunks.length, 5);
});

Deno.test("scriptOf() loads the runtime's modules as modules", async () => {
  const chunk = 'import{basename as a}from"node:path";export{a as base};';
  const { base } = await evaluate(chunk);
  assertEquals((base as (path: string) => string)("/x/y"), "y");
  assertEquals(scriptOf(chunk, "a.js").chunks, []);
});

Deno.test("scriptOf() loads chunks when they are asked for", async () => {
  const chunk = 'async function a(){return(await import("./l.js")).v}' +
    "export{a as get};";
  const { get } = await evaluate(chunk, { "./l.js": { v: 7 } });
  assertEquals(await (get as () => Promise<unknown>)(), 7);
});

Deno.test("scriptOf() answers import.meta", async () => {
  const { url } = await evaluate("var a=import.meta.url;export{a as url};");
  assertEquals(url, "coracle:///a.js");
});

Deno.test("scriptOf() keeps columns below its first line", () => {
  const head = 'import{a}from"./x.js";';
  const { text, headBytes } = scriptOf(`${head}var b=a;export{b};`, "a.js");
  assertEquals(headBytes, head.length);
  assertEquals(text.split("\n")[1], "var b=a;");
});

Deno.test("scriptOf() accepts licences behind the exports", async () => {
  const chunk = "var a=1;export{a};\n/*! Bundled license\n * x\n */\n";
  assertEquals(await evaluate(chunk), { a: 1 });
});

Deno.test("scriptOf() refuses a chunk when an import is left", () => {
  const chunk = 'var a=1;import{b}from"./x.js";export{a};';
  assertThrows(() => scriptOf(chunk, "a.js"), Error, `chunk "a.js"`);
});

Deno.test("checkSource() refuses a binding that may change", () => {
  assertThrows(() => checkSource("export let a = 1;", "a.ts"), Error, "a.ts");
  checkSource("export const a = 1;\n// export let b", "a.ts");
});
