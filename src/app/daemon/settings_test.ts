import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { DaemonFlags } from "./flags.ts";
import { readSettings } from "./settings.ts";

const NOBODY = 4_000_000;

/** Of a daemon that finds no configuration. */
async function addressWith(
  flags: DaemonFlags,
): Promise<string | undefined> {
  const { address } = await readSettings({
    flags,
    program: "coracle",
    uid: NOBODY,
    env: (name) => name === "HOME" ? "/nonexistent" : undefined,
    pluginFinder: () => Promise.resolve(() => true),
  });
  return address;
}

Deno.test("readSettings() takes --address with a scheme and without", async () => {
  assertEquals(await addressWith({}), undefined);
  assertEquals(await addressWith({ address: "/a.sock" }), "/a.sock");
  assertEquals(await addressWith({ address: "unix:///a.sock" }), "/a.sock");
});

Deno.test("readSettings() refuses an --address that is none as it was given", async () => {
  for (const address of ["", "rel.sock", "unix://rel.sock"]) {
    const { message, hint } = await assertRejects(
      () => addressWith({ address }),
      EngineError,
    );
    assertEquals(message.split('"')[1], address);
    assertEquals(hint, "Name an absolute path with --address");
  }
});
