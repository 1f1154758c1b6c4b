/** The mounts of a container: the usual ones, and those asked for. */

import type { SpecMount } from "../runtime_spec.ts";
import * as defaults from "./defaults.ts";
import { hasId, type HostFacts } from "./facts.ts";
import type { SpecRequest } from "./request.ts";

/** Parents come before what is mounted in them. */
export function specMounts(
  request: SpecRequest,
  facts: HostFacts,
): readonly SpecMount[] {
  const asked = new Set(request.mounts.map(({ destination }) => destination));
  const usual = usualMounts(request, facts).filter(({ destination }) =>
    !asked.has(destination)
  );
  const depth = ({ destination }: SpecMount) =>
    destination === "/" ? 0 : destination.split("/").length;
  const sorted = request.mounts.toSorted((a, b) => depth(a) - depth(b));
  return [...usual, ...sorted];
}

function usualMounts(
  request: SpecRequest,
  facts: HostFacts,
): readonly SpecMount[] {
  const mounts = [
    procMount(request, facts),
    defaults.DEV,
    devptsMount(facts),
    ...sysMounts(request, facts),
    ...queueMounts(request, facts),
    ...shmMounts(request),
  ];
  return request.security.confinement === "privileged"
    ? mounts.map((mount) => writable(mount))
    : mounts;
}

function procMount(request: SpecRequest, facts: HostFacts): SpecMount {
  // A new procfs needs a pid namespace that belongs to our user namespace.
  const foreign = facts.inUserNamespace && request.namespaces.pid === "host";
  return foreign
    ? {
      destination: "/proc",
      type: "none",
      source: "/proc",
      options: ["rbind"],
    }
    : defaults.PROC;
}

/** Not every host has its queues mounted, and only its root may mount them. */
function queueMounts(
  { namespaces: { ipc } }: SpecRequest,
  facts: HostFacts,
): readonly SpecMount[] {
  if (ipc !== "host") return [defaults.MQUEUE];
  if (facts.hasMessageQueues()) return [defaults.hostIpcMount("/dev/mqueue")];
  return facts.inUserNamespace ? [] : [defaults.MQUEUE];
}

function shmMounts(
  { namespaces: { ipc }, shared, shmSizeBytes }: SpecRequest,
): readonly SpecMount[] {
  if (ipc === "none") return [];
  if (shared?.shm !== undefined) {
    return [{ ...defaults.hostIpcMount("/dev/shm"), source: shared.shm }];
  }
  return ipc === "host"
    ? [defaults.hostIpcMount("/dev/shm")]
    : [defaults.shm(shmSizeBytes)];
}

function devptsMount(facts: HostFacts): SpecMount {
  const gid = hasId(facts.gidRanges, defaults.TTY_GID)
    ? [`gid=${defaults.TTY_GID}`]
    : [];
  return {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: [...defaults.DEVPTS_OPTIONS, ...gid],
  };
}

function sysMounts(
  request: SpecRequest,
  facts: HostFacts,
): readonly SpecMount[] {
  if (facts.inUserNamespace && request.namespaces.network === "host") {
    return [defaults.SYSFS_BOUND];
  }
  // Without a cgroup of its own there is none that it might see.
  return facts.cgroupsWritable
    ? [defaults.SYSFS, defaults.CGROUP]
    : [defaults.SYSFS];
}

/** `/sys` and the cgroups below it are the usual mounts that are read-only. */
function writable(mount: SpecMount): SpecMount {
  const options = mount.options?.filter((option) => option !== "ro") ?? [];
  return { ...mount, options };
}
