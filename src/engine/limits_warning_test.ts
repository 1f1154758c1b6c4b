import { assertEquals } from "@std/assert";
import { limitsWarning } from "./limits_warning.ts";
import { parseResources } from "./options/limits.ts";

const asked = parseResources({ memory: "64m", cpus: "0.5", pidsLimit: 9 });

Deno.test("limitsWarning() names the flags that have no effect", () => {
  assertEquals(
    limitsWarning(asked, { cgroupsWritable: false }),
    "Ignoring --memory, --cpus, --pids-limit: containers of an ordinary user " +
      'have no control group here; "coracle doctor" says more',
  );
});

Deno.test("limitsWarning() is silent when limits hold or are not asked for", () => {
  assertEquals(limitsWarning(asked, { cgroupsWritable: true }), undefined);
  assertEquals(limitsWarning({}, { cgroupsWritable: false }), undefined);
});
