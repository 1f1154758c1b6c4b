import { assertEquals } from "@std/assert";
import { SYSFS_BOUND } from "../oci/spec/defaults.ts";
import { shownMounts } from "./inspect_container.ts";

Deno.test("shownMounts() shows what the user mounted, and that only", () => {
  const theirs = {
    destination: "/sys",
    type: "bind",
    source: "/sys",
    options: ["rbind", "rprivate", "rw"],
  };
  const found = shownMounts({ mounts: [SYSFS_BOUND, theirs] });
  assertEquals(found.map(({ Mode }) => Mode), ["rbind,rprivate,rw"]);
});
