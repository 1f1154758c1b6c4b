import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { parseOutputAddress } from "./stdio_address.ts";

Deno.test("parseOutputAddress() knows every kind that containerd does", () => {
  assertEquals(parseOutputAddress(""), { kind: "none" });
  const path = "/run/fifo/out";
  assertEquals(parseOutputAddress(path), { kind: "path", path });
  assertEquals(parseOutputAddress(`fifo://${path}`), { kind: "path", path });
  assertEquals(parseOutputAddress("file:///a%20b"), {
    kind: "file",
    path: "/a b",
  });
});

Deno.test("parseOutputAddress() gives a logger its arguments in order", () => {
  const parse = (address: string) => parseOutputAddress(address);
  assertEquals(parse("binary:///bin/log?--to=sea&plain&--to=land"), {
    kind: "logger",
    path: "/bin/log",
    args: ["--to", "sea", "plain"],
    readiness: "close",
  });
  assertEquals(parse("binary-v2:///bin/log"), {
    kind: "logger",
    path: "/bin/log",
    args: [],
    readiness: "signal",
  });
});

Deno.test("parseOutputAddress() refuses what it can't write to", () => {
  for (const address of ["ftp://host/path", "file:///%zz"]) {
    const error = assertThrows(() => parseOutputAddress(address), EngineError);
    assertEquals(error.code, "invalidArgument");
  }
});
