import { assert, assertEquals } from "@std/assert";
import {
  isAtLeast,
  ownCapabilities,
  ownOomScoreAdj,
  ownRlimits,
  parseCapabilities,
  parseCpuCount,
  parseKernelVersion,
  parseRlimits,
} from "./facts.ts";
import { parseCgroups, readCgroups } from "./facts_cgroup.ts";
import { parseMountinfo } from "./mount_info.ts";

Deno.test("parseCpuCount() counts lists and ranges", () => {
  const count = (list: string) =>
    parseCpuCount(`A:\t1\nCpus_allowed_list:\t${list}\n`);
  assertEquals(["0", "0-1", "0-3,8,10-11"].map(count), [1, 2, 7]);
});

Deno.test("parseCapabilities() names the bits of both sets", () => {
  const { bounding, effective } = parseCapabilities(
    "Name:\tx\nCapEff:\t0000000000000021\nCapBnd:\t000001fffeffffff\n",
  );
  assertEquals([...effective], ["CAP_CHOWN", "CAP_KILL"]);
  assertEquals(bounding.size, 40);
  assert(!bounding.has("CAP_SYS_RESOURCE"));
  assert(bounding.has("CAP_CHECKPOINT_RESTORE"));
});

Deno.test("ownCapabilities() agrees with the kernel about root", () => {
  assertEquals(
    ownCapabilities().effective.has("CAP_CHOWN"),
    Deno.uid() === 0,
  );
});

Deno.test("parseRlimits() reads numbers and unlimited", () => {
  const limits = parseRlimits(
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max cpu time              unlimited            unlimited            seconds   \n" +
      "Max open files            1024                 20000                files     \n",
  );
  assertEquals(limits.get("RLIMIT_NOFILE"), { soft: 1024, hard: 20000 });
  assertEquals(limits.get("RLIMIT_CPU"), { soft: Infinity, hard: Infinity });
});

Deno.test("ownRlimits() knows all sixteen limits", () => {
  assertEquals(ownRlimits().size, 16);
  assert(Math.abs(ownOomScoreAdj()) <= 1000);
});

Deno.test("isAtLeast() compares major and minor numbers", () => {
  const version = parseKernelVersion("6.8.0-41-generic");
  assert(isAtLeast(version, 6, 8));
  assert(isAtLeast(version, 5, 19));
  assert(!isAtLeast(version, 6, 9));
  assert(!isAtLeast(version, 7, 0));
});

const V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
const V1 = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
  "32 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n" +
  "33 23 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";

Deno.test("parseCgroups() tells v2, v1, hybrid and none apart", () => {
  const v2 = parseCgroups("0::/user.slice\n", parseMountinfo(V2));
  assertEquals(v2.mode, "v2");
  assertEquals(v2.unified, {
    mountPoint: "/sys/fs/cgroup",
    path: "/user.slice",
  });
  const lines = "3:memory:/a\n2:cpu,cpuacct:/b\n1:name=systemd:/c\n";
  const v1 = parseCgroups(lines, parseMountinfo(V1));
  assertEquals(v1.mode, "v1");
  assertEquals(v1.controllers.get("cpuacct")?.path, "/b");
  assertEquals(v1.controllers.get("name=systemd")?.path, "/c");
  const both = parseCgroups(`${lines}0::/d\n`, parseMountinfo(V1 + V2));
  assertEquals(both.mode, "hybrid");
  assertEquals(parseCgroups("0::/\n", []).mode, "none");
});

Deno.test("readCgroups() finds this process in existing directories", () => {
  const { mode, controllers } = readCgroups();
  for (const { mountPoint } of controllers.values()) {
    assert(Deno.statSync(mountPoint).isDirectory);
  }
  assertEquals(controllers.size > 0, mode === "v1" || mode === "hybrid");
});
