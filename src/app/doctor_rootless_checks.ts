import {
  type Check,
  type Finding,
  missing,
  ok,
  skipped,
  warning,
} from "../engine/doctor.ts";
import {
  parseSubordinateIds,
  type Passwd,
  type SubordinateRange,
} from "../sys/ids.ts";
import { AS_USER } from "./doctor_common_checks.ts";
import type { DoctorHost } from "./doctor_host.ts";

/** What only ordinary users need. */
export function rootlessChecks(host: DoctorHost): Check[] {
  return [
    check("user-namespaces", "User namespaces", () => userNamespaces(host)),
    check("namespace-tools", "unshare and nsenter", () => namespaceTools(host)),
    check("idmap-tools", "newuidmap and newgidmap", () => idmapTools(host)),
    ofUser(host, "subordinate-ids", "Subordinate ids", subordinateIds),
    ofUser(host, "runtime-directory", "XDG_RUNTIME_DIR", runtimeDirectory),
    ofUser(host, "linger", "Containers after logout", linger),
    ofUser(host, "delegation", "Limits (cgroup delegation)", delegation),
    check("tun", "/dev/net/tun", () => tun(host)),
    check("network", "User-mode network", () => network(host)),
  ];
}

function check(id: string, title: string, probe: Check["probe"]): Check {
  return { id, title, appliesTo: ["rootless"], probe };
}

function ofUser(
  host: DoctorHost,
  id: string,
  title: string,
  probe: (host: DoctorHost, user: Passwd) => Finding,
): Check {
  const { user } = host;
  return check(
    id,
    title,
    () => user === undefined ? skipped(AS_USER) : probe(host, user),
  );
}

async function userNamespaces(host: DoctorHost): Promise<Finding> {
  const { fact } = host;
  if (host.file("/proc/self/ns/user") === undefined) {
    return missing(
      "the kernel has none",
      "Install a kernel with CONFIG_USER_NS",
    );
  }
  if (fact("/proc/sys/user/max_user_namespaces") === "0") {
    return missing(
      "user.max_user_namespaces is 0",
      setSysctl("user.max_user_namespaces=28633"),
    );
  }
  if (fact("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    return missing(
      "kernel.unprivileged_userns_clone is 0",
      setSysctl("kernel.unprivileged_userns_clone=1"),
    );
  }
  const restricted =
    fact("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1";
  return restricted
    ? missing(
      "AppArmor takes the rights away from users' namespaces",
      setSysctl("kernel.apparmor_restrict_unprivileged_userns=0"),
    )
    : await tryNamespace(host);
}

/** Now and after each boot. */
function setSysctl(setting: string): string {
  return `sysctl -w ${setting}\n` +
    `echo ${setting} > /etc/sysctl.d/60-coracle.conf`;
}

async function tryNamespace(host: DoctorHost): Promise<Finding> {
  if (host.uid === 0) return ok("not forbidden");
  const unshare = host.program("unshare");
  if (unshare === undefined) return skipped("unshare is not installed");
  const { success, output } = await host.run([
    ...[unshare, "--user", "--map-root-user", "--mount", "--"],
    ...["mount", "-t", "tmpfs", "tmpfs", "/mnt"],
  ]);
  return success ? ok("a trial worked") : missing(
    `a trial failed: ${output}`,
    "Ask for the policy of this host: in a container, start that one with " +
      "--security-opt seccomp=unconfined",
  );
}

function namespaceTools(host: DoctorHost): Finding {
  const [unshare, nsenter] = ["unshare", "nsenter"].map(host.program);
  return unshare !== undefined && nsenter !== undefined
    ? ok(`${unshare}, ${nsenter}`)
    : missing("not installed", host.install("utilLinux"));
}

async function idmapTools(host: DoctorHost): Promise<Finding> {
  for (const [name, capability] of IDMAP_TOOLS) {
    const path = host.program(name);
    if (path === undefined) {
      return warning(
        "not installed: only one user id can be used",
        host.install("idmap"),
      );
    }
    if (!await isPrivileged(host, path)) {
      return warning(
        `${path} has no privilege: only one user id can be used`,
        `setcap ${capability}+ep ${path}   # or: chmod u+s ${path}`,
      );
    }
  }
  return ok("installed");
}

const IDMAP_TOOLS = [
  ["newuidmap", "cap_setuid"],
  ["newgidmap", "cap_setgid"],
] as const;

async function isPrivileged(
  { file, program, run }: DoctorHost,
  path: string,
): Promise<boolean> {
  if (((file(path)?.mode ?? 0) & 0o4000) !== 0) return true;
  const getcap = program("getcap");
  // Without getcap a file capability can't be seen: most likely it is there.
  if (getcap === undefined) return true;
  return (await run([getcap, path])).output.includes("cap_set");
}

const FEW_IDS = 65_536;

function subordinateIds({ fact }: DoctorHost, user: Passwd): Finding {
  const texts = ["/etc/subuid", "/etc/subgid"].map((path) => fact(path) ?? "");
  const [uids = 0, gids = 0] = texts.map((text) =>
    countOf(parseSubordinateIds(text, [user.name, String(user.uid)]))
  );
  if (uids >= FEW_IDS && gids >= FEW_IDS) {
    return ok(`${uids} user and ${gids} group ids for ${user.name}`);
  }
  const start = firstFree(texts);
  const range = `${start}-${start + FEW_IDS - 1}`;
  const options = [
    ...(uids >= FEW_IDS ? [] : [`--add-subuids ${range}`]),
    ...(gids >= FEW_IDS ? [] : [`--add-subgids ${range}`]),
  ];
  return warning(
    uids === 0 || gids === 0
      ? `${user.name} has none: only one user id can be used`
      : `${user.name} has fewer than ${FEW_IDS}`,
    `usermod ${options.join(" ")} ${user.name}`,
  );
}

function countOf(ranges: readonly SubordinateRange[]): number {
  return ranges.reduce((sum, { count }) => sum + count, 0);
}

/** Above all ranges that anybody has, and where useradd begins. */
function firstFree(texts: readonly string[]): number {
  const ends = texts.flatMap((text) =>
    text.split("\n").map((line) => {
      const [, start, count] = line.split(":").map(Number);
      return (start ?? 0) + (count ?? 0);
    })
  ).filter(Number.isSafeInteger);
  return Math.max(100_000, ...ends);
}

function runtimeDirectory(host: DoctorHost, user: Passwd): Finding {
  if (host.uid === 0) return skipped(AS_USER);
  const state = host.paths.rootless?.state ?? "";
  const path = host.env("XDG_RUNTIME_DIR") ?? "";
  const info = path === "" ? undefined : host.file(path);
  if (info?.isDirectory && info.uid === user.uid) return ok(path);
  return warning(
    path === ""
      ? `not set, ${state} is used instead`
      : `${path} is not yours, or is not there`,
    `sudo loginctl enable-linger ${user.name}\n` +
      `export XDG_RUNTIME_DIR=/run/user/${user.uid}`,
  );
}

function linger(host: DoctorHost, user: Passwd): Finding {
  if (host.file("/run/systemd/system") === undefined) {
    return ok("systemd does not run here, nothing ends them");
  }
  return host.file(`/var/lib/systemd/linger/${user.name}`) === undefined
    ? warning(
      "they end when the user's last session does",
      `loginctl enable-linger ${user.name}`,
    )
    : ok("lingering is on");
}

const DELEGATE = `mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' \\
  > /etc/systemd/system/user@.service.d/delegate.conf
systemctl daemon-reload   # then log out and in again`;

function delegation(host: DoctorHost, user: Passwd): Finding {
  const { cgroups, fact, file } = host;
  const effect = "--memory, --cpus and --pids-limit have no effect";
  if (cgroups.mode !== "v2" || cgroups.unified === undefined) {
    return warning(
      `this host uses cgroup version 1: ${effect}`,
      "Add systemd.unified_cgroup_hierarchy=1 to the kernel command line, " +
        "then reboot",
    );
  }
  if (file("/run/systemd/system") === undefined) {
    return warning(
      `no systemd that could delegate: ${effect}`,
      "Start the user's session in a cgroup that is the user's own",
    );
  }
  const slice = `user.slice/user-${user.uid}.slice/user@${user.uid}.service`;
  const given = fact(
    `${cgroups.unified.mountPoint}/${slice}/cgroup.controllers`,
  )?.split(" ") ?? [];
  const lacking = ["cpu", "memory", "pids"].filter((name) =>
    !given.includes(name)
  );
  return lacking.length === 0 ? ok(given.join(", ")) : warning(
    `${lacking.join(", ")} not delegated: limits on it have no effect`,
    DELEGATE,
  );
}

function tun({ uid, file, canOpen }: DoctorHost): Finding {
  const path = "/dev/net/tun";
  const info = file(path);
  if (info === undefined) {
    return warning("absent: no user-mode network", "modprobe tun");
  }
  const isOpen = uid === 0 ? ((info.mode ?? 0) & 0o6) === 0o6 : canOpen(path);
  return isOpen ? ok("can be opened") : warning(
    "can't be opened by users: no user-mode network",
    `chmod 0666 ${path}`,
  );
}

function network(host: DoctorHost): Finding {
  const found = ["pasta", "slirp4netns"].map(host.program)
    .find((path) => path !== undefined);
  return found === undefined
    ? warning(
      "neither pasta nor slirp4netns: only --network host and none",
      host.install("pasta"),
    )
    : ok(found);
}
