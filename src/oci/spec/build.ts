/** From a request and the facts of the host to the spec, and nothing else. */

import type {
  DeviceRule,
  NamespaceType,
  Spec,
  SpecDevice,
  SpecLinux,
  SpecNamespace,
  SpecProcess,
  SpecResources,
} from "../runtime_spec.ts";
import { capabilitySets } from "./capabilities.ts";
import { clampCapabilities, clampOomScoreAdj, clampRlimits } from "./clamp.ts";
import {
  MASKED_PATHS,
  NETWORK_SYSCTLS,
  OCI_VERSION,
  READONLY_PATHS,
} from "./defaults.ts";
import type { HostFacts, Note } from "./facts.ts";
import { specMounts } from "./mounts.ts";
import type { SpecRequest } from "./request.ts";
import { defaultSeccomp } from "./seccomp.ts";

/**
 * The spec of a container. Asks for nothing that this process can't give:
 * what had to be left out is told to `note`.
 */
export function buildSpec(
  request: SpecRequest,
  facts: HostFacts,
  note: Note = () => {},
): Spec {
  const capabilities = clampCapabilities(request.security, facts, note);
  return {
    ociVersion: OCI_VERSION,
    process: process(request, capabilities, facts, note),
    root: {
      path: request.rootPath,
      ...request.rootAccess === "readonly" ? { readonly: true } : {},
    },
    ...request.namespaces.uts === "private"
      ? { hostname: request.hostname }
      : {},
    mounts: specMounts(request, facts),
    ...isEmpty(request.annotations) ? {} : { annotations: request.annotations },
    linux: linux(request, capabilities, facts, note),
  };
}

function process(
  request: SpecRequest,
  capabilities: readonly string[],
  facts: HostFacts,
  note: Note,
): SpecProcess {
  const oomScoreAdj = clampOomScoreAdj(request.oomScoreAdj, facts, note);
  const apparmor = apparmorProfile(request, facts);
  return {
    ...request.stdio === "terminal" ? { terminal: true } : {},
    user: request.user,
    args: request.args,
    env: request.env,
    cwd: request.cwd,
    capabilities: capabilitySets(capabilities, request.user.uid),
    rlimits: clampRlimits(request.rlimits, facts, note),
    ...request.security.privilegeGain === "forbidden"
      ? { noNewPrivileges: true }
      : {},
    ...apparmor === undefined ? {} : { apparmorProfile: apparmor },
    ...oomScoreAdj === undefined ? {} : { oomScoreAdj },
  };
}

function apparmorProfile(
  { security }: SpecRequest,
  facts: HostFacts,
): string | undefined {
  if (!facts.apparmor || security.confinement === "privileged") {
    return undefined;
  }
  return security.apparmor === "unconfined" ? undefined : security.apparmor;
}

function linux(
  request: SpecRequest,
  capabilities: readonly string[],
  facts: HostFacts,
  note: Note,
): SpecLinux {
  const { security } = request;
  const isPrivileged = security.confinement === "privileged";
  const devices = isPrivileged
    ? [...facts.devices(), ...request.devices]
    : request.devices;
  const hides = !isPrivileged && security.systemPaths === "confined";
  return {
    namespaces: namespaces(request, facts),
    ...devices.length === 0 ? {} : { devices: distinct(devices) },
    ...cgroup(request, facts, note),
    ...sysctl(request, facts),
    ...seccomp(request, capabilities, facts),
    ...hides
      ? {
        maskedPaths: [...MASKED_PATHS, ...facts.processorPaths],
        readonlyPaths: READONLY_PATHS,
      }
      : {},
  };
}

/** The last one at each path. */
function distinct(devices: readonly SpecDevice[]): readonly SpecDevice[] {
  return [...new Map(devices.map((device) => [device.path, device])).values()];
}

function namespaces(
  { namespaces: asked, shared = {} }: SpecRequest,
  facts: HostFacts,
): readonly SpecNamespace[] {
  const cgroup = asked.cgroup === "default"
    ? facts.cgroupVersion === "v2" ? "private" : "host"
    : asked.cgroup;
  const types: readonly (readonly [NamespaceType, "host" | "private"])[] = [
    ["mount", "private"],
    ["pid", asked.pid],
    ["network", asked.network],
    ["ipc", asked.ipc === "host" ? "host" : "private"],
    ["uts", asked.uts],
    ["cgroup", cgroup],
  ];
  const joined: Partial<Record<NamespaceType, string>> = shared;
  return types.flatMap(([type, sharing]) => {
    if (sharing === "host") return [];
    const path = joined[type];
    return [path === undefined ? { type } : { type, path }];
  });
}

function cgroup(
  request: SpecRequest,
  facts: HostFacts,
  note: Note,
): Pick<SpecLinux, "cgroupsPath" | "resources"> {
  if (facts.cgroupsWritable) {
    return {
      cgroupsPath: request.cgroupsPath,
      resources: resources(request),
    };
  }
  if (!isEmpty(request.resources)) {
    note("Leaving out resource limits: no cgroup is delegated to this user");
  }
  return {};
}

function resources(request: SpecRequest): SpecResources {
  const { memory, cpu, pidsLimit, blockIo } = request.resources;
  return {
    devices: deviceRules(request),
    ...memory === undefined ? {} : { memory },
    ...cpu === undefined ? {} : { cpu },
    ...pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } },
    ...blockIo === undefined ? {} : { blockIO: blockIo },
  };
}

/** The runtime itself adds those that every container needs. */
function deviceRules(request: SpecRequest): readonly DeviceRule[] {
  const isPrivileged = request.security.confinement === "privileged";
  const start: DeviceRule = { allow: isPrivileged, access: "rwm" };
  return [
    start,
    ...request.deviceRules,
    ...request.resources.deviceRules ?? [],
  ];
}

function sysctl(
  { sysctls, namespaces: { network } }: SpecRequest,
  facts: HostFacts,
): Pick<SpecLinux, "sysctl"> {
  const usual = network === "private" && !facts.inUserNamespace
    ? NETWORK_SYSCTLS
    : {};
  const all = { ...usual, ...sysctls };
  return isEmpty(all) ? {} : { sysctl: all };
}

function seccomp(
  { security }: SpecRequest,
  capabilities: readonly string[],
  facts: HostFacts,
): Pick<SpecLinux, "seccomp"> {
  const { seccomp: asked, confinement } = security;
  switch (asked.kind) {
    case "unconfined":
      return {};
    case "profile":
      return { seccomp: asked.profile(capabilities) };
    case "default":
      return confinement === "privileged"
        ? {}
        : { seccomp: defaultSeccomp(facts, capabilities) };
    default:
      return asked satisfies never;
  }
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}
