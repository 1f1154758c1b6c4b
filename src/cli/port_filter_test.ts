import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { isWithinPorts, parsePortRange } from "./port_filter.ts";

Deno.test("parsePortRange() reads docker's ports", () => {
  const read = (text: string) => {
    const { first, last, protocol } = parsePortRange("expose", text);
    return [first, last, protocol];
  };
  assertEquals(read("80"), [80, 80, "tcp"]);
  assertEquals(read("53/udp"), [53, 53, "udp"]);
  assertEquals(read("8000-8080/sctp"), [8000, 8080, "sctp"]);
  for (
    const text of ["", "abc", "65536", "9-8", "80/xyz", "1.2.3.4:80", "80:80"]
  ) assertThrows(() => parsePortRange("expose", text), EngineError, text);
});

Deno.test("isWithinPorts() asks for the protocol, too", () => {
  const range = parsePortRange("expose", "80-90");
  assertEquals(isWithinPorts(range, "80/tcp"), true);
  assertEquals(isWithinPorts(range, "90"), true);
  assertEquals(isWithinPorts(range, "91/tcp"), false);
  assertEquals(isWithinPorts(range, "80/udp"), false);
});
