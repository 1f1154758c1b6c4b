/** The daemon as a whole. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { openDaemon } from "./support/daemon.ts";

Deno.test("the daemon serves until it is told to stop", async () => {
  await using daemon = await openDaemon();
  const { version } = await daemon.stub(VersionDefinition).version({});
  assertEquals(version, "0.1.0");
  assertEquals(await daemon.stop("SIGTERM"), 0);
  assertStringIncludes(daemon.log(), "The daemon serves");
});
