import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { digestOf, Hasher } from "./hash.ts";

Deno.test("digestOf() gives the known digests of abc", async () => {
  const bytes = new TextEncoder().encode("abc");
  assertEquals(
    await digestOf(bytes),
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assertEquals(
    (await digestOf(bytes, "sha512")).slice(0, 23),
    "sha512:ddaf35a193617aba",
  );
});

Deno.test("digestOf() takes a view of shared memory", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
  assertEquals(await digestOf(shared), await digestOf(new Uint8Array(3)));
});

Deno.test("Hasher agrees with digestOf() however the bytes are cut", async () => {
  const chunk = fc.uint8Array({ maxLength: 2000 });
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 8 }), async (chunks) => {
      const hasher = new Hasher();
      for (const chunk of chunks) {
        const reused = chunk.slice();
        await hasher.update(reused);
        reused.fill(0); // the caller may
      }
      const all = new Uint8Array(
        await new Blob(
          chunks.map((chunk) => chunk.slice()),
        ).arrayBuffer(),
      );
      assertEquals(await hasher.digest(), await digestOf(all));
      assertEquals(hasher.size, all.length);
    }),
    { numRuns: 50 },
  );
});

Deno.test("Hasher agrees with digestOf() above the size at which it streams", async () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const bytes = new Uint8Array(3_000_000).map((_, at) => at % 251);
    const hasher = new Hasher(algorithm);
    for (let at = 0; at < bytes.length; at += 700_001) {
      await hasher.update(bytes.subarray(at, at + 700_001));
    }
    assertEquals(await hasher.digest(), await digestOf(bytes, algorithm));
  }
});
