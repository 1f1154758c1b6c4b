import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "./errors.ts";
import {
  compatiblePlatforms,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformMatcher,
  selectManifest,
} from "./platform.ts";

const HOST = hostPlatform({ os: "linux", arch: "x86_64" });

Deno.test("hostPlatform() speaks Go's words", () => {
  assertEquals(HOST, { os: "linux", architecture: "amd64" });
  assertEquals(hostPlatform({ os: "linux", arch: "aarch64" }), {
    os: "linux",
    architecture: "arm64",
  });
});

for (
  const [text, wanted] of [
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["Linux/AArch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/v9.0", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armhf", "linux/arm/v7"],
    ["armel", "linux/arm/v6"],
    ["arm64", "linux/arm64"],
    ["linux", "linux/amd64"],
    ["windows", "windows/amd64"],
    ["macos", "darwin/amd64"],
    ["i386", "linux/386"],
    ["s390x", "linux/s390x"],
    ["amd64", "linux/amd64"],
  ] as const
) {
  Deno.test(`parsePlatform() reads ${text} as ${wanted}`, () => {
    assertEquals(formatPlatform(parsePlatform(text, HOST)), wanted);
  });
}

Deno.test("parsePlatform() refuses what is no platform", () => {
  for (const text of ["", "/", "linux/", "a/b/c/d", "linux amd64", "vax"]) {
    const error = assertThrows(() => parsePlatform(text, HOST), EngineError);
    assertEquals(error.code, "invalidArgument", text);
  }
});

Deno.test("normalizePlatform() changes nothing the second time", () => {
  const part = fc.constantFrom(
    "linux",
    "macos",
    "arm",
    "armhf",
    "x86_64",
    "aarch64",
    "7",
    "v8",
    "v9.0",
    "",
  );
  fc.assert(fc.property(part, part, part, (os, architecture, variant) => {
    const once = normalizePlatform({ os, architecture, variant });
    assertEquals(normalizePlatform(once), once);
  }));
});

for (
  const [text, wanted] of [
    ["linux/arm/v7", "linux/arm/v7 linux/arm/v6 linux/arm/v5"],
    [
      "linux/arm64",
      "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5",
    ],
    ["linux/amd64", "linux/amd64 linux/386"],
    [
      "linux/amd64/v3",
      "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386",
    ],
    ["linux/riscv64", "linux/riscv64"],
  ] as const
) {
  Deno.test(`compatiblePlatforms() of ${text} gives the best first`, () => {
    const all = compatiblePlatforms(parsePlatform(text, HOST));
    assertEquals(all.map(formatPlatform).join(" "), wanted);
  });
}

Deno.test("platformMatcher() ranks the nearest variant first", () => {
  const { rank } = platformMatcher({ os: "linux", architecture: "arm" });
  const arm = (variant: string) =>
    rank({ os: "linux", architecture: "arm", variant });
  assertEquals([arm("v7"), arm("v6"), arm("v8")], [0, 1, undefined]);
  assertEquals(rank({ os: "windows", architecture: "arm" }), undefined);
});

const entry = (text: string) => ({ platform: parsePlatform(text, HOST) });

Deno.test("selectManifest() takes the best, whatever the order", () => {
  const v6 = entry("linux/arm/v6");
  const v7 = entry("linux/arm/v7");
  const arm64 = entry("linux/arm64");
  const wanted = parsePlatform("linux/arm64", HOST);
  assertStrictEquals(selectManifest([v6, v7, arm64], wanted), arm64);
  assertStrictEquals(selectManifest([v6, v7], wanted), v7);
});

Deno.test("selectManifest() takes one without a platform when none suits", () => {
  const bare = {};
  assertStrictEquals(selectManifest([entry("windows"), bare], HOST), bare);
  const own = entry("linux/amd64");
  assertStrictEquals<unknown>(selectManifest([bare, own], HOST), own);
});

Deno.test("selectManifest() lists what there is when nothing suits", () => {
  const attestation = {
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  const error = assertThrows(
    () => selectManifest([entry("linux/s390x"), attestation], HOST),
    EngineError,
    `Cannot find an image for platform "linux/amd64"`,
  );
  assertEquals(error.code, "notFound");
  assertEquals(
    error.hint,
    "There is one for linux/s390x: choose with --platform",
  );
});
