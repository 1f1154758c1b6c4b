import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { availableUser } from "./available_user.ts";

const ids = (count: number) => {
  const ranges = [{ first: 0, count }];
  return { uidRanges: ranges, gidRanges: ranges };
};
const asked = (gid: number, added: readonly number[]) => ({
  user: { uid: 0, gid, additionalGids: [gid, ...added] },
  addedGids: added,
});

Deno.test("availableUser() leaves alone what there is", () => {
  const wanted = asked(7, [8, 9]);
  const { user, warning } = availableUser(wanted, ids(10));
  assertEquals([user, warning], [wanted.user, undefined]);
});

Deno.test("availableUser() names groups that a user with one id can't add", () => {
  const { user, warning } = availableUser(asked(0, [9, 0, 5]), ids(1));
  assertEquals(user.additionalGids, [0, 0]);
  assertEquals(
    warning,
    "Ignoring --group-add 9, 5: containers of this user have the id 0 only; " +
      "coracle doctor says how to get more ids",
  );
});

Deno.test("availableUser() leaves out groups that only the image lists", () => {
  const wanted = { ...asked(0, [70_000]), addedGids: [] };
  const { user, warning } = availableUser(wanted, ids(65_537));
  assertEquals([user.additionalGids, warning], [[0], undefined]);
});

Deno.test("availableUser() refuses what is beyond the ids there are", () => {
  assertThrows(
    () => availableUser(asked(0, [9, 70_000]), ids(65_537)),
    EngineError,
    "Cannot add group 70000: containers of this user have ids up to 65536",
  );
  assertThrows(
    () => availableUser(asked(5, []), ids(1)),
    EngineError,
    "Cannot run as user 0:5: containers of this user have the id 0 only",
  );
});
