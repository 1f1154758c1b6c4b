import type { SpecDevice } from "../oci/runtime_spec.ts";
import type { CgroupVersion, HostFacts } from "../oci/spec/facts.ts";
import { runsI386, runsX32 } from "../sys/abi.ts";
import {
  kernelVersion,
  ownCapabilities,
  ownCpuCount,
  ownOomScoreAdj,
  ownRlimits,
  readFact,
} from "../sys/facts.ts";
import { isInitialMap, parseIdMap } from "../sys/ids.ts";
import { isThere } from "../sys/is_there.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";
const PROCESSORS = "/sys/devices/system/cpu";

/** Reads what this process can give to a container. */
export function collectFacts(
  architecture: string,
  devices: () => readonly SpecDevice[],
): HostFacts {
  const uids = readIdMap("uid_map");
  const inUserNamespace = !isInitialMap(uids);
  return {
    architecture,
    kernelVersion: kernelVersion(),
    hostname: Deno.hostname(),
    capabilitiesBounding: ownCapabilities().bounding,
    rlimits: Object.fromEntries(ownRlimits()),
    oomScoreAdj: ownOomScoreAdj(),
    cgroupVersion: cgroupVersion(),
    // An ordinary user's processes have no cgroup in which to make others.
    cgroupsWritable: !inUserNamespace,
    inUserNamespace,
    uidRanges: ranges(uids),
    gidRanges: ranges(readIdMap("gid_map")),
    apparmor: readFact("/sys/module/apparmor/parameters/enabled") === "Y",
    runs: (abi) => abi === "x32" ? runsX32() : runsI386(),
    hasMessageQueues: () => isThere("/dev/mqueue"),
    processorPaths: processorPaths(),
    cpuCount: ownCpuCount,
    swapLimit,
    devices,
  };
}

function readIdMap(name: string) {
  return parseIdMap(Deno.readTextFileSync(`/proc/self/${name}`));
}

function ranges(map: ReturnType<typeof parseIdMap>) {
  return map.map(({ inside, count }) => ({ first: inside, count }));
}

function cgroupVersion(): CgroupVersion {
  if (isThere(`${CGROUP_ROOT}/cgroup.controllers`)) return "v2";
  return isThere(`${CGROUP_ROOT}/unified`) ? "hybrid" : "v1";
}

function swapLimit(): boolean {
  return cgroupVersion() === "v2" ||
    isThere(`${CGROUP_ROOT}/memory/memory.memsw.limit_in_bytes`);
}

/** Only real machines have them, but those have one for each processor. */
function processorPaths(): readonly string[] {
  if (!isThere(`${PROCESSORS}/cpu0/thermal_throttle`)) return [];
  return [...Deno.readDirSync(PROCESSORS)]
    .filter(({ name }) => /^cpu\d+$/.test(name))
    .map(({ name }) => `${PROCESSORS}/${name}/thermal_throttle`);
}
