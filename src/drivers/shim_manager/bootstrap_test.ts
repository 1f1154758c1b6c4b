import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { parseBootstrap } from "./bootstrap.ts";

const ADDRESS = "unix:///run/containerd/s/0f";

function parse(output: string | Uint8Array) {
  const bytes = typeof output === "string"
    ? new TextEncoder().encode(output)
    : output;
  return parseBootstrap(bytes, () => ({
    version: 3,
    address: "decoded",
    protocol: "ttrpc",
  }));
}

Deno.test("parseBootstrap() takes a bare address for version 2", () => {
  assertEquals(parse(ADDRESS), { address: ADDRESS, version: 2 });
  assertEquals(parse(`${ADDRESS}\n`), { address: ADDRESS, version: 2 });
});

Deno.test("parseBootstrap() reads JSON", () => {
  const answer = (version: number) =>
    JSON.stringify({ version, address: ADDRESS, protocol: "ttrpc" });
  assertEquals(parse(answer(2)), { address: ADDRESS, version: 2 });
  assertEquals(parse(answer(3)), { address: ADDRESS, version: 3 });
});

Deno.test("parseBootstrap() decodes what begins with a field of protobuf", () => {
  assertEquals(parse(Uint8Array.of(0x08, 3)), {
    address: "decoded",
    version: 3,
  });
});

Deno.test("parseBootstrap() refuses what we don't speak", () => {
  for (
    const text of [
      "",
      `{"version":4,"address":"${ADDRESS}"}`,
      `{"version":3,"address":"vsock://3:1","protocol":"grpc"}`,
      `{"version":`,
    ]
  ) assertThrows(() => parse(text), EngineError, "Cannot");
});
