import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { parseMountinfo } from "./mount_info.ts";
import { MS, parseMountOptions } from "./mount_options.ts";

Deno.test("parseMountOptions() sorts flags, propagation and data", () => {
  assertEquals(
    parseMountOptions([
      "rbind",
      "ro",
      "rslave",
      "size=64k",
      "defaults",
      "x-note=1",
      "constructor",
    ]),
    {
      flags: MS.BIND | MS.REC | MS.RDONLY,
      propagation: [MS.SLAVE | MS.REC],
      data: ["size=64k", "constructor"],
    },
  );
});

Deno.test("parseMountOptions() lets the later option win", () => {
  assertEquals(parseMountOptions(["ro", "nosuid", "rw"]).flags, MS.NOSUID);
});

Deno.test("parseMountOptions() throws for a NUL byte and for loop", () => {
  assertThrows(() => parseMountOptions(["a\0b"]), EngineError, "a\\u0000b");
  assertThrows(() => parseMountOptions(["loop"]), EngineError, "loop device");
});

Deno.test("parseMountinfo() reads optional fields and octal escapes", () => {
  const text =
    "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n" +
    "not a line\n" +
    "37 35 0:5 / /plain ro - tmpfs tmpfs rw\n";
  const [first, second, ...rest] = parseMountinfo(text);
  assertEquals(rest, []);
  assertEquals(first?.mountPoint, "/mnt 2");
  assertEquals(first?.root, "/mnt1");
  assertEquals(first?.propagation, ["master:1", "shared:7"]);
  assertEquals(first?.superOptions, ["rw", "errors=continue"]);
  assertEquals(second?.propagation, []);
  assertEquals(second?.type, "tmpfs");
});
