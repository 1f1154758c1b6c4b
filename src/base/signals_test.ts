import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "./errors.ts";
import { signalNumber, signalText } from "./signals.ts";

Deno.test("signalNumber() takes names in any form, and numbers", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["TERM", 15],
    ["SIGTERM", 15],
    ["sigkill", 9],
    ["9", 9],
    ["64", 64],
    ["IOT", 6],
    ["RTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMAX-1", 63],
  ];
  for (const [text, number] of cases) assertEquals(signalNumber(text), number);
});

Deno.test("signalNumber() throws when there is no such signal", () => {
  for (const text of ["", "0", "65", "SIGNOPE", "RTMIN+40", "RTMAX-40", "-1"]) {
    assertThrows(() => signalNumber(text), EngineError, "Invalid signal");
  }
});

Deno.test("signalText() names a number when it has a name", () => {
  assertEquals([signalText(15), signalText(40)], ["SIGTERM", "40"]);
});
