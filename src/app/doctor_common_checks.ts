import {
  type Check,
  type Finding,
  missing,
  ok,
  skipped,
  type Use,
  warning,
} from "../engine/doctor.ts";
import { tryOverlay } from "../drivers/snapshot_overlay/trial.ts";
import { isAtLeast } from "../sys/facts.ts";
import { type DoctorHost, nearest } from "./doctor_host.ts";

const BOTH = ["root", "rootless"] as const;

/** In this order they are looked for on PATH. */
const RUNTIMES = ["runc", "crun", "youki"];

/** Less than this and the next pull may fail. */
const LITTLE_SPACE_KIB = 2 * 1024 * 1024;

/** What every use needs. */
export function commonChecks(host: DoctorHost): Check[] {
  return [
    {
      id: "kernel",
      title: "Linux kernel",
      appliesTo: BOTH,
      probe: (use) => kernel(host, use),
    },
    {
      id: "runtime",
      title: "OCI runtime",
      appliesTo: BOTH,
      probe: () => runtime(host),
    },
    {
      id: "overlay",
      title: "Overlay file system",
      appliesTo: BOTH,
      probe: (use) => use === "root" ? rootOverlay(host) : userOverlay(host),
    },
    {
      id: "store",
      title: "Store directory",
      appliesTo: BOTH,
      probe: (use) => store(host, use),
    },
    {
      id: "space",
      title: "Free disk space",
      appliesTo: BOTH,
      probe: (use) => space(host, use),
    },
    {
      id: "seccomp",
      title: "Seccomp filters",
      appliesTo: BOTH,
      probe: () => seccomp(host),
    },
  ];
}

function kernel({ kernel }: DoctorHost, use: Use): Finding {
  const [major, minor] = use === "root" ? [4, 18] : [5, 11];
  if (isAtLeast(kernel, major, minor)) return ok(kernel.release);
  const effect = use === "root"
    ? "overlay and cgroups of this age are not supported"
    : "overlay can't be mounted by users, so images are copied";
  return warning(
    `${kernel.release} is older than ${major}.${minor}: ${effect}`,
    "Install a newer kernel of the distribution, then reboot",
  );
}

async function runtime(host: DoctorHost): Promise<Finding> {
  for (const name of RUNTIMES) {
    const path = host.program(name);
    if (path === undefined) continue;
    const { success, output } = await host.run([path, "--version"]);
    if (success) return ok(`${output.split("\n")[0]} (${path})`);
    return missing(`${path} does not start: ${output}`, host.install("runc"));
  }
  return missing(
    `none of ${RUNTIMES.join(", ")} is on PATH`,
    host.install("runc"),
  );
}

function rootOverlay(host: DoctorHost): Finding {
  if (host.uid !== 0) {
    return hasOverlay(host)
      ? ok("known to the kernel")
      : skipped("not loaded; root can tell: sudo coracle doctor");
  }
  const directory = nearest(host.paths.root.root);
  const reason = tryOverlay(directory);
  if (reason === undefined) return ok(`a trial in ${directory} worked`);
  return warning(
    `images are copied for each container: ${reason}`,
    hasOverlay(host)
      ? "Keep the store on ext4, xfs or btrfs: --root DIRECTORY"
      : "modprobe overlay",
  );
}

function hasOverlay({ fact }: DoctorHost): boolean {
  return /\boverlay$/m.test(fact("/proc/filesystems") ?? "");
}

const TRIAL = 'mkdir "$1/l" "$1/m" "$1/u" "$1/w" "$1/t" && ' +
  'mount -t overlay -o "userxattr,lowerdir=$1/l:$1/m,upperdir=$1/u,' +
  'workdir=$1/w" overlay "$1/t"';

async function userOverlay(host: DoctorHost): Promise<Finding> {
  const store = host.paths.rootless;
  if (host.uid === 0 || store === undefined) return skipped(AS_USER);
  const unshare = host.program("unshare");
  if (unshare === undefined) return skipped("unshare is not installed");
  const base = await Deno.makeTempDir({ dir: nearest(store.root) });
  try {
    const { success, output } = await host.run([
      ...[unshare, "--user", "--map-root-user", "--mount", "--"],
      ...["sh", "-c", TRIAL, "sh", base],
    ]);
    if (success) return ok(`a trial in ${nearest(store.root)} worked`);
    return warning(
      `images are copied for each container: ${output}`,
      "Keep the store on a local ext4, xfs or btrfs: export CORACLE_ROOT=DIRECTORY",
    );
  } finally {
    // Overlay leaves a directory of mode 0 in its work directory.
    await host.run(["chmod", "-R", "u+rwX", base]);
    await Deno.remove(base, { recursive: true });
  }
}

/** Why a check of a user's host is not made for root. */
export const AS_USER = "run coracle doctor as that user";

const REMOTE = /^(nfs|nfs4|cifs|smb3|9p|afs|ceph|glusterfs|lustre|fuse\..*)$/;

function store(host: DoctorHost, use: Use): Finding {
  const paths = host.paths[use];
  if (paths === undefined) return skipped(AS_USER);
  const type = host.fileSystem(paths.root) ?? "an unknown file system";
  if (REMOTE.test(type)) {
    const fix = use === "root"
      ? "Name a local directory in /etc/coracle/config.toml: root = DIRECTORY"
      : "mkdir -p /var/tmp/$USER && export CORACLE_ROOT=/var/tmp/$USER/coracle";
    return (use === "root" ? warning : missing)(
      `${paths.root} is on ${type}, which can't hold layers`,
      fix,
    );
  }
  return ok(`${paths.root} on ${type}`);
}

async function space(host: DoctorHost, use: Use): Promise<Finding> {
  const paths = host.paths[use];
  if (paths === undefined) return skipped(AS_USER);
  const directory = nearest(paths.root);
  const { success, output } = await host.run(["df", "-Pk", directory]);
  const freeKib = Number(output.split("\n").at(-1)?.split(/\s+/)[3]);
  if (!success || Number.isNaN(freeKib)) return skipped(output);
  const text = `${(freeKib / 1024 / 1024).toFixed(1)} GiB at ${directory}`;
  return freeKib >= LITTLE_SPACE_KIB
    ? ok(text)
    : warning(`only ${text}`, "coracle system prune --all");
}

function seccomp({ fact }: DoctorHost): Finding {
  const actions = fact("/proc/sys/kernel/seccomp/actions_avail");
  return actions?.includes("errno") ? ok("available") : warning(
    "the kernel has none: containers run without a system call filter",
    "Install a kernel with CONFIG_SECCOMP_FILTER",
  );
}
