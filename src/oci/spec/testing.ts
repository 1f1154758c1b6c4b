/** A host and a request for tests; pass what matters. */

import { CAPABILITIES } from "../../base/capabilities.ts";
import type { HostFacts } from "./facts.ts";
import type { SpecRequest } from "./request.ts";

const ALL_IDS = [{ first: 0, count: 0xffff_ffff }];

/** An ordinary machine with cgroup v2 and root's full powers. */
export function testFacts(overrides: Partial<HostFacts> = {}): HostFacts {
  return {
    architecture: "amd64",
    kernelVersion: { major: 6, minor: 12 },
    hostname: "harbour",
    capabilitiesBounding: new Set(CAPABILITIES),
    rlimits: { RLIMIT_NOFILE: { soft: 1024, hard: 1_048_576 } },
    oomScoreAdj: 0,
    cgroupVersion: "v2",
    cgroupsWritable: true,
    inUserNamespace: false,
    uidRanges: ALL_IDS,
    gidRanges: ALL_IDS,
    apparmor: false,
    runs: () => true,
    hasMessageQueues: () => true,
    processorPaths: [],
    cpuCount: () => 2,
    swapLimit: () => true,
    devices: () => [],
    ...overrides,
  };
}

export function testRequest(overrides: Partial<SpecRequest> = {}): SpecRequest {
  return {
    args: ["true"],
    env: ["PATH=/bin"],
    cwd: "/",
    user: { uid: 0, gid: 0 },
    stdio: "streams",
    rootPath: "rootfs",
    rootAccess: "writable",
    hostname: "boat",
    mounts: [],
    shmSizeBytes: 67_108_864,
    namespaces: {
      network: "private",
      ipc: "private",
      pid: "private",
      uts: "private",
      cgroup: "default",
    },
    security: {
      confinement: "confined",
      capabilities: { add: [], drop: [] },
      privilegeGain: "allowed",
      seccomp: { kind: "default" },
      systemPaths: "confined",
    },
    resources: {},
    devices: [],
    deviceRules: [],
    rlimits: [],
    sysctls: {},
    annotations: {},
    cgroupsPath: "/coracle/test/boat",
    ...overrides,
  };
}
