import { assertEquals, assertNotEquals } from "@std/assert";
import { hostileArchives } from "../tests/support/tar_corpus.ts";
import { fuzzTar, randomOf } from "./fuzz.ts";

Deno.test("randomOf() gives the same numbers for the same seed", () => {
  const numbers = (seed: number) => {
    const random = randomOf(seed);
    return Array.from({ length: 20 }, () => random(1000));
  };
  assertEquals(numbers(7), numbers(7));
  assertNotEquals(numbers(7), numbers(8));
});

Deno.test("fuzzTar() finds nothing in a thousand damaged archives", () => {
  const seeds = hostileArchives("/outside").map(({ bytes }) => bytes);
  for (let seed = 0; seed < 1000; seed++) fuzzTar(seeds, randomOf(seed));
});
