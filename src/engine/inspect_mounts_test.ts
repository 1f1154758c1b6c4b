import { assertEquals } from "@std/assert";
import { hostIpcMount, SYSFS_BOUND } from "../oci/spec/defaults.ts";
import { shownMounts } from "./inspect_mounts.ts";

Deno.test("shownMounts() shows what the user mounted, and that only", () => {
  const theirs = {
    destination: "/sys",
    type: "bind",
    source: "/sys",
    options: ["rbind", "rprivate", "rw"],
  };
  const queue = hostIpcMount("/dev/shm");
  const found = shownMounts({ mounts: [SYSFS_BOUND, queue, theirs] });
  assertEquals(found.map(({ Mode }) => Mode), ["rbind,rprivate,rw"]);
});
