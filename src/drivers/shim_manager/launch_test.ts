import { assertEquals, assertRejects } from "@std/assert";
import { cleanUpAfterShim, type LaunchDeps } from "./launch.ts";

Deno.test("cleanUpAfterShim() makes no bundle anew that others have removed", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-launch-" });
  try {
    const call = {
      ...{ namespace: "default", id: "web", program: "/bin/false" },
      ...{ bundle: `${directory}/default.web`, eventsAddress: "" },
    };
    const deps = { env: () => [] } as unknown as LaunchDeps;
    await assertRejects(
      () => cleanUpAfterShim(deps, call),
      Deno.errors.NotFound,
    );
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
