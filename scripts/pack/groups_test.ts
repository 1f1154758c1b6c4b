import { assertEquals, assertThrows } from "@std/assert";
import { groupParts } from "./groups.ts";

const PARTS = [
  { name: "cli/a.js", text: "(function(){\nreturn 1})" },
  { name: "cli/b.js", text: "(function(){return 2})" },
  { name: "cli/c.js", text: "(function(){return 3})" },
  { name: "cli/a.js.map", text: "{}" },
];

Deno.test("groupParts() makes one script of the parts of a group", () => {
  const together = [["cli/b.js", "cli/a.js"], []];
  const { groups, rest, places } = groupParts("cli", {
    parts: PARTS,
    together,
  });
  assertEquals(groups.map(({ name }) => name), ["cli/group-0.js"]);
  const functions = (0, eval)(groups[0]?.text ?? "") as (() => number)[];
  assertEquals(functions.map((part) => part()), [2, 1]);
  assertEquals(places, {
    "cli/b.js": ["cli/group-0.js", 0],
    "cli/a.js": ["cli/group-0.js", 1],
  });
  assertEquals(rest.map(({ name }) => name), [
    "cli/c.js",
    "cli/a.js.map",
    "cli/group-0.js.map",
  ]);
});

Deno.test("groupParts() says at which line each part begins", () => {
  const together = [["cli/a.js", "cli/b.js", "cli/c.js"]];
  const { groups, rest } = groupParts("cli", { parts: PARTS, together });
  const lines = groups[0]?.text.split("\n") ?? [];
  const map = JSON.parse(rest.at(-1)?.text ?? "{}");
  assertEquals(map.begins, [[2, "cli/a.js"], [4, "cli/b.js"], [5, "cli/c.js"]]);
  assertEquals(lines[3], "(function(){return 2}),");
});

Deno.test("groupParts() refuses what would be slow to decode", () => {
  const parts = [{ name: "cli/a.js", text: "(function(){return/µ/})" }];
  assertThrows(
    () => groupParts("cli", { parts, together: [["cli/a.js"]] }),
    Error,
    "/µ/",
  );
});
