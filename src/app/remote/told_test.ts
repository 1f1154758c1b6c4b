import { assertEquals } from "@std/assert";
import { EngineError, unavailable } from "../../base/errors.ts";
import { assertCode } from "../../core/testing/assert.ts";
import { told } from "./told.ts";

Deno.test("told() says what could not be done where the daemon has no code", async () => {
  const failed = () => {
    const said = "runc did not end well: no cgroup\n: unknown";
    return told(
      'pause container "web"',
      Promise.reject(new EngineError("unknown", said)),
    );
  };
  const { message } = await assertCode("failedPrecondition", failed);
  const reason = "runc did not end well: no cgroup";
  assertEquals(message, `Cannot pause container "web": ${reason}`);
});

Deno.test("told() passes on what has a code, and answers", async () => {
  await assertCode(
    "unavailable",
    () => told("pause", Promise.reject(unavailable("gone"))),
  );
  assertEquals(await told("count", Promise.resolve(7)), 7);
});
