import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { parseDeviceRate } from "./device_rate.ts";
import { parseDeviceRule } from "./device_rule.ts";
import { parseExposed } from "./ports.ts";

const refuses = (parse: () => unknown, message: string) =>
  assertThrows(parse, EngineError, message);

Deno.test("parseExposed() names each port of a range", () => {
  assertEquals(parseExposed("80"), ["80/tcp"]);
  assertEquals(parseExposed("53/UDP"), ["53/udp"]);
  assertEquals(parseExposed("7-9/sctp"), ["7/sctp", "8/sctp", "9/sctp"]);
});

Deno.test("parseExposed() refuses in docker's words", () => {
  for (const text of ["", "abc", "70000", "9-8", "80/foo", "-1", "80-"]) {
    refuses(
      () => parseExposed(text),
      `invalid range format for --expose: ${text}`,
    );
  }
  refuses(
    () => parseExposed("1:2"),
    "invalid port format for --expose: 1:2",
  );
});

Deno.test("parseDeviceRule() leaves out what is any number", () => {
  assertEquals(parseDeviceRule("c 42:* rmw"), {
    ...{ allow: true, type: "c", major: 42, access: "rmw" },
  });
  assertEquals(parseDeviceRule("b *:7 r"), {
    ...{ allow: true, type: "b", minor: 7, access: "r" },
  });
  assertEquals(parseDeviceRule("a *:* m"), {
    ...{ allow: true, type: "a", access: "m" },
  });
});

Deno.test("parseDeviceRule() refuses in docker's words", () => {
  for (const text of ["", "c 42 r", "x 1:1 r", "c 1:1", "c 1:1  r"]) {
    refuses(
      () => parseDeviceRule(text),
      `invalid device cgroup format '${text}'`,
    );
  }
});

Deno.test("parseDeviceRate() reads bytes with units, and plain numbers", () => {
  const read = (kind: "bytes" | "operations", text: string) =>
    parseDeviceRate(kind, `/dev/sda:${text}`).rate;
  assertEquals(parseDeviceRate("bytes", "/dev/sda:1mb"), {
    path: "/dev/sda",
    rate: 1024 * 1024,
  });
  assertEquals(read("bytes", "0"), 0);
  assertEquals(read("operations", "100"), 100);
});

Deno.test("parseDeviceRate() refuses in docker's words", () => {
  refuses(() => parseDeviceRate("bytes", "/dev/sda"), "bad format: /dev/sda");
  refuses(
    () => parseDeviceRate("bytes", "sda:1"),
    "bad format for device path: sda:1",
  );
  for (const text of ["/dev/sda:", "/dev/sda:x", "/dev/sda:1:2"]) {
    refuses(
      () => parseDeviceRate("bytes", text),
      `invalid rate for device: ${text}`,
    );
  }
  for (const rate of ["10k", "-1", "1.5"]) {
    refuses(
      () => parseDeviceRate("operations", `/dev/sda:${rate}`),
      "<device-path>:<number>. Number must be a positive integer",
    );
  }
});
