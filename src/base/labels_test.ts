import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "./errors.ts";
import { checkLabels, isLabelPath, updateLabels } from "./labels.ts";

Deno.test("checkLabels() counts bytes of key and value together when at the limit", () => {
  checkLabels({ ["k".repeat(96)]: "v".repeat(4000) });
  assertThrows(
    () => checkLabels({ ["k".repeat(96)]: "v".repeat(4001) }),
    EngineError,
  );
  assertThrows(() => checkLabels({ k: "ü".repeat(2048) }), EngineError);
  assertThrows(() => checkLabels({ "": "v" }), EngineError);
});

Deno.test("updateLabels() replaces all when there are no paths or the path is labels", () => {
  assertEquals(updateLabels({ a: "1" }, { b: "2" }), { b: "2" });
  assertEquals(updateLabels({ a: "1" }, { b: "2" }, ["labels"]), { b: "2" });
});

Deno.test("updateLabels() touches only the named label when given its path", () => {
  const current = { a: "1", "x.y": "2" };
  assertEquals(
    updateLabels(current, { "x.y": "3", c: "4" }, ["labels.x.y"]),
    { a: "1", "x.y": "3" },
  );
  assertEquals(updateLabels(current, {}, ["labels.a"]), { "x.y": "2" });
  assertEquals(updateLabels(current, { a: "9" }, ["target"]), current);
});

Deno.test("isLabelPath() tells label paths from others", () => {
  assertEquals(["labels", "labels.a", "label", "target"].map(isLabelPath), [
    true,
    true,
    false,
    false,
  ]);
});
