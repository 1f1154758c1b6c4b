import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { isLoopback, listenTcp, parseTcpAddress } from "./listen_tcp.ts";

Deno.test("parseTcpAddress() takes no host for loopback", () => {
  const read = (text: string) => {
    const address = parseTcpAddress(text, "metrics.address");
    const { hostname, port } = address;
    return [hostname, port, isLoopback(address)];
  };
  assertEquals(read(":1338"), ["127.0.0.1", 1338, true]);
  assertEquals(read("127.1.2.3:0"), ["127.1.2.3", 0, true]);
  assertEquals(read("[::1]:80"), ["::1", 80, true]);
  assertEquals(read("0.0.0.0:80"), ["0.0.0.0", 80, false]);
  assertEquals(read("[::]:80"), ["::", 80, false]);
  assertEquals(read("127.evil.org:80"), ["127.evil.org", 80, false]);
});

Deno.test("parseTcpAddress() refuses what is no address", () => {
  for (const text of ["", "1338", "host", "::1:80", "host:", "host:99999"]) {
    const { message, hint } = assertThrows(
      () => parseTcpAddress(text, "metrics.address"),
      EngineError,
    );
    assertEquals(
      message,
      `Cannot use "${text}" for "metrics.address": not an address`,
    );
    assertEquals(hint, 'Write it as "127.0.0.1:1338"');
  }
});

Deno.test("listenTcp() says which address is taken", () => {
  using first = listenTcp({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = first.addr;
  const error = assertThrows(() => listenTcp({ hostname, port }), EngineError);
  assertEquals(error.code, "unavailable");
});
