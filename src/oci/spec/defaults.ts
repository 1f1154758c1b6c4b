/** What every container gets where nothing else is said: docker's defaults. */

import type { SpecMount } from "../runtime_spec.ts";

/** The newest that runc 1.1 takes. */
export const OCI_VERSION = "1.0.2";

export const DEFAULT_PATH =
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Bytes of `/dev/shm`. */
export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/** Hidden, because they tell about the host or change it. */
export const MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export const READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** The group `tty`, which owns terminals, in every distribution. */
export const TTY_GID = 5;

export const PROC: SpecMount = {
  destination: "/proc",
  type: "proc",
  source: "proc",
  options: ["nosuid", "noexec", "nodev"],
};

export const DEV: SpecMount = {
  destination: "/dev",
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
};

export const DEVPTS_OPTIONS: readonly string[] = [
  "nosuid",
  "noexec",
  "newinstance",
  "ptmxmode=0666",
  "mode=0620",
];

export const SYSFS: SpecMount = {
  destination: "/sys",
  type: "sysfs",
  source: "sysfs",
  options: ["nosuid", "noexec", "nodev", "ro"],
};

/** A fresh sysfs belongs to who owns the network namespace; ours may not. */
export const SYSFS_BOUND: SpecMount = {
  destination: "/sys",
  type: "none",
  source: "/sys",
  options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
};

export const CGROUP: SpecMount = {
  destination: "/sys/fs/cgroup",
  type: "cgroup",
  source: "cgroup",
  options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
};

export const MQUEUE: SpecMount = {
  destination: "/dev/mqueue",
  type: "mqueue",
  source: "mqueue",
  options: ["nosuid", "noexec", "nodev"],
};

/** @param path of the host's, shared with the container */
export function hostIpcMount(path: string): SpecMount {
  return {
    destination: path,
    type: "bind",
    source: path,
    options: ["rbind", "nosuid", "noexec", "nodev"],
  };
}

export function shm(sizeBytes: number): SpecMount {
  return {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${sizeBytes}`],
  };
}

/** Open files: few for old programs that loop over all, more for who asks. */
export const DEFAULT_NOFILE = { soft: 1024, hard: 524_288 } as const;

/** Safe where the network namespace is the container's own. */
export const NETWORK_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** Where the host's init program appears. */
export const INIT_PATH = "/sbin/docker-init";

/** The kernel's parameter for the domain name of NIS. */
export const DOMAIN_NAME = "kernel.domainname";
