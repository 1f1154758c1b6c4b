import {
  type Check,
  type Finding,
  missing,
  ok,
  skipped,
  warning,
} from "../engine/doctor.ts";
import { CAPABILITIES, type Capability } from "../base/capabilities.ts";
import type { DoctorHost } from "./doctor_host.ts";

/** Without these no container can be set up. */
const NEEDED: readonly Capability[] = [
  "CAP_SYS_ADMIN",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_SETUID",
  "CAP_SETGID",
  "CAP_SYS_CHROOT",
];

/** What only the host's root needs. */
export function rootChecks(host: DoctorHost): Check[] {
  return [
    {
      id: "capabilities",
      title: "Capabilities",
      appliesTo: ["root"],
      probe: () => capabilities(host),
    },
    {
      id: "cgroups",
      title: "Control groups",
      appliesTo: ["root"],
      probe: () => cgroups(host),
    },
  ];
}

function capabilities({ uid, capabilities }: DoctorHost): Finding {
  if (uid !== 0) return skipped("run sudo coracle doctor");
  const lacking = (names: readonly Capability[]) =>
    names.filter((name) => !capabilities.bounding.has(name));
  const needed = lacking(NEEDED);
  if (needed.length > 0) {
    return missing(
      `root lacks ${needed.join(", ")}`,
      "Run outside of the container or service that takes them away",
    );
  }
  const rest = lacking(CAPABILITIES);
  return rest.length === 0 ? ok("all") : warning(
    `root lacks ${rest.join(", ")}: no container can have them`,
    "Run outside of the container or service that takes them away",
  );
}

function cgroups({ cgroups, file }: DoctorHost): Finding {
  switch (cgroups.mode) {
    case "v2":
      return ok("version 2");
    case "v1":
    case "hybrid": {
      const { controllers } = cgroups;
      const lacking = ["cpu", "memory", "pids", "devices", "freezer"]
        .filter((name) => !controllers.has(name));
      if (lacking.length > 0) {
        return warning(
          `version 1 without ${lacking.join(", ")}`,
          "Add systemd.unified_cgroup_hierarchy=1 to the kernel command line",
        );
      }
      return ok(
        cgroups.mode === "v1"
          ? "version 1"
          : "version 1 and 2 side by side (runc takes that, crun does not)",
      );
    }
    case "none":
      return missing(
        file("/sys/fs/cgroup") === undefined
          ? "the kernel has none"
          : "not mounted",
        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
      );
    default:
      return cgroups.mode satisfies never;
  }
}
