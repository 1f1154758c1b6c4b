import { assertMatch } from "@std/assert";
import { minify } from "./bundle.ts";

Deno.test("minify() keeps what is disposed, however little it is used", async () => {
  const module = `export function once(open) {
  using opened = open();
  opened.read();
  return "read";
}`;
  assertMatch(await minify(module, Deno.execPath()), /using \w+=\w+\(\)/);
});
