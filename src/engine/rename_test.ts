import { assertEquals, assertStringIncludes } from "@std/assert";
import { alreadyExists } from "../base/errors.ts";
import type { Container, NewContainer } from "../core/container.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import { assertCode } from "../core/testing/assert.ts";
import { ctx, fakeContainer } from "../core/testing/fixtures.ts";
import { renameContainer } from "./rename.ts";

const container = (id: string, name: string) =>
  fakeContainer(id, {
    labels: { [LABEL.containerName]: name },
  }) as Container;

/** @param refusal of the store, which only ours has */
function storeOf(
  answers: readonly (Container | undefined)[],
  refusal?: Error,
) {
  const left = [...answers];
  const updates: NewContainer[] = [];
  const containers = {
    named: () => Promise.resolve(left.shift()),
    update: (_: unknown, change: NewContainer) => {
      if (refusal !== undefined) return Promise.reject(refusal);
      updates.push(change);
      return Promise.resolve(change);
    },
  };
  const services = { containers } as unknown as Services;
  return { services, updates };
}

const [taken, renamed] = [container("a", "n1"), container("b", "n2")];
const CONFLICT =
  'Conflict. The container name "/n1" is already in use by container "a"';

Deno.test("renameContainer() refuses a taken name where the store refuses none", async () => {
  const { services, updates } = storeOf([taken]);
  const { message } = await assertCode(
    "alreadyExists",
    () => renameContainer(ctx, services, renamed, "/n1"),
  );
  assertEquals([message, updates], [CONFLICT, []]);
});

Deno.test("renameContainer() tells who took the name since it asked", async () => {
  const refusal = alreadyExists("container named", "n1");
  const { services } = storeOf([undefined, taken], refusal);
  const { message } = await assertCode(
    "alreadyExists",
    () => renameContainer(ctx, services, renamed, "n1"),
  );
  assertEquals(message, CONFLICT);
});

Deno.test("renameContainer() changes nothing but the name", async () => {
  const { services, updates } = storeOf([undefined]);
  await renameContainer(ctx, services, renamed, "/n3");
  const [change] = updates;
  assertEquals(change?.labels, { [LABEL.containerName]: "n3" });
});

Deno.test("renameContainer() refuses what is no new name", async () => {
  const { services } = storeOf([]);
  for (
    const [to, why] of [
      ["/", "empty container name"],
      ["n2", "same name as its current name"],
      ["a b", '"a b"'],
    ] as const
  ) {
    const { message } = await assertCode(
      "invalidArgument",
      () => renameContainer(ctx, services, renamed, to),
    );
    assertStringIncludes(message, why);
  }
});
