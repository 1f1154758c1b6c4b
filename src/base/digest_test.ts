import { assertEquals, assertThrows } from "@std/assert";
import {
  digestAlgorithm,
  digestHex,
  isDigest,
  parseDigest,
  shortDigest,
} from "./digest.ts";
import { EngineError } from "./errors.ts";

const HEX = "a".repeat(64);

Deno.test("parseDigest() takes the three registered algorithms", () => {
  for (
    const [algorithm, length] of [
      ["sha256", 64],
      ["sha384", 96],
      ["sha512", 128],
    ] as const
  ) {
    const digest = parseDigest(`${algorithm}:${"0".repeat(length)}`);
    assertEquals(digestAlgorithm(digest), algorithm);
    assertEquals(digestHex(digest).length, length);
  }
  assertEquals(shortDigest(parseDigest(`sha256:${HEX}`)), "a".repeat(12));
});

Deno.test("parseDigest() refuses what could become a path or a lie", () => {
  const bad = [
    "",
    HEX,
    `sha256:`,
    `sha256:${HEX}0`,
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX.toUpperCase()}`,
    `md5:${"a".repeat(32)}`,
    `sha256:../../../../etc/passwd`,
    `sha256:${HEX}\n`,
    ` sha256:${HEX}`,
  ];
  for (const text of bad) {
    assertEquals(isDigest(text), false, text);
    const error = assertThrows(() => parseDigest(text), EngineError);
    assertEquals(error.code, "invalidArgument");
  }
});
