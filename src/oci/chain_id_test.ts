import { assertEquals } from "@std/assert";
import { parseDigest } from "../base/digest.ts";
import { chainIds } from "./chain_id.ts";

// What sha256sum says of "a", "b", "c" and of the chains of these.
const A = parseDigest(
  "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
);
const B = parseDigest(
  "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
);
const C = parseDigest(
  "sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
);
const A_B = parseDigest(
  "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676",
);
const A_B_C = parseDigest(
  "sha256:2fce7f8ce91bcf0a1428b36e1024639fdbd9469eea762dba98aa749631885106",
);

Deno.test("chainIds() is empty when there are no layers", async () => {
  assertEquals(await chainIds([]), []);
});

Deno.test("chainIds() hashes each layer onto those below", async () => {
  assertEquals(await chainIds([A, B, C]), [A, A_B, A_B_C]);
});
