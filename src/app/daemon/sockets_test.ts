import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { EMPTY_CONFIG } from "./config/daemon_config.ts";
import { checkAddresses, parseAddress } from "./sockets.ts";

Deno.test("parseAddress() takes paths, with a scheme and without", () => {
  assertEquals(parseAddress("/run/a.sock", ""), "/run/a.sock");
  assertEquals(parseAddress("unix:///run/a.sock", ""), "/run/a.sock");
});

Deno.test("parseAddress() refuses all else as it was written", () => {
  for (const address of ["", "rel.sock", "unix://rel.sock", "tcp://h:1"]) {
    const { code, message, hint } = assertThrows(
      () => parseAddress(address, "with --address"),
      EngineError,
    );
    assertEquals([code, message, hint], [
      "invalidArgument",
      `Cannot listen on "${address}": not an absolute path`,
      "Name an absolute path with --address",
    ]);
  }
});

Deno.test("checkAddresses() names the one that is too long", () => {
  const long = `/${"s".repeat(107)}`;
  const named = (address: string, ttrpc = {}) =>
    assertThrows(
      () => checkAddresses({ address, daemon: { ...EMPTY_CONFIG, ttrpc } }),
      EngineError,
      "longer than 107 bytes",
    ).message.split('"')[1];
  assertEquals(named(long), long);
  assertEquals(named("/s", { address: long }), long);
  const derived = long.slice(0, 107);
  assertEquals(named(derived), `${derived}.ttrpc`);
});
