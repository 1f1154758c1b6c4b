import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { parseDevice } from "./devices.ts";
import {
  entriesOfFile,
  mergeEnv,
  parseEnv,
  parseEnvFile,
} from "./environment.ts";
import { parseResources, parseUlimit } from "./limits.ts";
import {
  otherContainer,
  parseExtraHost,
  parseIpc,
  parseSharing,
} from "./names.ts";
import { parsePairs, parseSysctls } from "./pairs.ts";
import { parseSecurityOptions } from "./security.ts";

const env = (name: string) => name === "SEA" ? "north" : undefined;

Deno.test("parseEnv() takes values from our own environment", () => {
  assertEquals(parseEnv("A=b=c", env), "A=b=c");
  assertEquals(parseEnv("A=", env), "A=");
  assertEquals(parseEnv("SEA", env), "SEA=north");
  assertEquals(parseEnv("LAKE", env), "LAKE");
  assertThrows(() => parseEnv("=b", env), EngineError);
});

Deno.test("entriesOfFile() reads the lines of docker's label files", () => {
  const text = "\uFEFF# note\n\n a=1 \nb\r\n\tc= x # y\n  #z\nd==2\ne=\n";
  const entries = entriesOfFile("label", "f", text);
  assertEquals(entries, ["a=1 ", "b", "c= x # y", "d==2", "e="]);
  for (
    const [wrong, message] of [
      ["a b=1", "invalid label file (f): variable 'a b' contains whitespaces"],
      ["=1", "invalid label file (f): no variable name on line '=1'"],
    ] as const
  ) {
    assertThrows(
      () => entriesOfFile("label", "f", wrong),
      EngineError,
      message,
    );
  }
});

Deno.test("parseEnvFile() reads docker's lines", () => {
  const text = "\uFEFF# note\n\n A=1 \nB='q'\r\nSEA\nLAKE\n";
  assertEquals(parseEnvFile("f", text, env), ["A=1 ", "B='q'", "SEA=north"]);
  assertThrows(
    () => parseEnvFile("f", "A B=1", env),
    EngineError,
    "variable 'A B' contains whitespaces",
  );
  assertThrows(
    () => parseEnvFile("f", "=1", env),
    EngineError,
    "no variable name on line '=1'",
  );
});

Deno.test("mergeEnv() lets later entries win, and names alone remove", () => {
  assertEquals(mergeEnv(["A=1", "B=2"], ["B=3", "C=4"], ["A"]), ["B=3", "C=4"]);
});

Deno.test("parseDevice() reads source, target and access", () => {
  const at = (text: string) => Object.values(parseDevice(text));
  assertEquals(at("/dev/a"), ["/dev/a", "/dev/a", "rwm"]);
  assertEquals(at("/dev/a:r"), ["/dev/a", "/dev/a", "r"]);
  assertEquals(at("/dev/a:/dev/b"), ["/dev/a", "/dev/b", "rwm"]);
  assertEquals(at("/dev/a:/dev/b:rw"), ["/dev/a", "/dev/b", "rw"]);
  for (const text of ["", "a", "/dev/a:/b:x", "/a:/b:rr", "/a:/b:r:w"]) {
    assertThrows(() => parseDevice(text), EngineError);
  }
});

Deno.test("parseUlimit() reads soft and hard limits", () => {
  assertEquals(parseUlimit("nofile=5"), {
    type: "RLIMIT_NOFILE",
    soft: 5,
    hard: 5,
  });
  assertEquals(parseUlimit("core=0:-1").hard, Infinity);
  for (const text of ["nofile", "nofile=x", "sails=1", "nofile=5:1"]) {
    assertThrows(() => parseUlimit(text), EngineError);
  }
});

Deno.test("parseResources() follows docker's rules", () => {
  assertEquals(parseResources({}), {});
  assertEquals(parseResources({ memory: "64m", cpus: "1.5", pidsLimit: -1 }), {
    memory: { limit: 67_108_864, swap: 134_217_728 },
    cpu: { quota: 150_000, period: 100_000 },
    milliCpus: 1500,
  });
  assertEquals(
    parseResources({ memory: "64m", memorySwap: "-1" }).memory?.swap,
    -1,
  );
  for (
    const flags of [
      { memory: "1m" },
      { cpuShares: -3 },
      { cpuPeriod: 5 },
      { cpuPeriod: -1 },
      { cpuQuota: 5 },
      { memorySwap: "64m" },
      { memory: "64m", memorySwap: "32m" },
      { memory: "64m", memoryReservation: "65m" },
      { cpus: "1", cpuQuota: 5 },
      { cpusetCpus: "a" },
    ]
  ) assertThrows(() => parseResources(flags), EngineError);
});

Deno.test("parseExtraHost() takes both separators and IPv6", () => {
  const at = (text: string) => Object.values(parseExtraHost(text));
  assertEquals(at("a:1.2.3.4"), ["a", "1.2.3.4"]);
  assertEquals(at("a=::1"), ["a", "::1"]);
  assertEquals(at("a:[fe80::1]"), ["a", "fe80::1"]);
  for (const text of ["a", ":1.2.3.4", "a:b"]) {
    assertThrows(() => parseExtraHost(text), EngineError);
  }
});

Deno.test("parseSharing() knows whose namespaces can be had", () => {
  assertEquals(
    ["shareable", "none", "host", ""].map((text) => parseIpc(text)),
    ["private", "none", "host", "private"],
  );
  assertThrows(() => parseIpc("container:x"), EngineError);
  assertEquals(parseSharing("pid", "host"), "host");
  assertThrows(() => parseSharing("pid", "container:x"), EngineError);
  assertThrows(() => parseSharing("uts", "shareable"), EngineError);
  assertEquals(
    ["container:x", "container:", "host"].map((text) => otherContainer(text)),
    ["x", undefined, undefined],
  );
});

Deno.test("parsePairs() and parseSysctls() split at the first sign", () => {
  assertEquals(parsePairs("label", ["a=b=c", "d"]), { a: "b=c", d: "" });
  assertEquals(parseSysctls(["net.core.somaxconn=9"]), {
    "net.core.somaxconn": "9",
  });
  assertThrows(() => parseSysctls(["kernel.panic=1"]), EngineError);
});

Deno.test("parseSecurityOptions() reads both separators", () => {
  const options = parseSecurityOptions([
    "no-new-privileges:true",
    "seccomp=/profile.json",
    "apparmor=mine",
    "label=disable",
  ]);
  assertEquals(options, {
    privilegeGain: "forbidden",
    seccomp: { kind: "file", path: "/profile.json" },
    apparmor: "mine",
    systemPaths: "confined",
  });
  for (const text of ["", "seccomp", "magic=1", "no-new-privileges=x"]) {
    assertThrows(() => parseSecurityOptions([text]), EngineError);
  }
});
