import { assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { checkCpuRange } from "./cpu_range.ts";

const facts = () => ({ cpuCount: () => 2 });

Deno.test("checkCpuRange() knows how many there are", () => {
  for (const milliCpus of [10, 500, 2000]) checkCpuRange({ milliCpus }, facts);
  for (const milliCpus of [1, 9, 2001, 99_000]) {
    assertThrows(
      () => checkCpuRange({ milliCpus }, facts),
      EngineError,
      "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
    );
  }
});

Deno.test("checkCpuRange() does not ask where nothing is said", () => {
  checkCpuRange({}, () => {
    throw new Error("asked");
  });
});
