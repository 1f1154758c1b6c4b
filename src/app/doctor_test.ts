import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { diagnose } from "../engine/doctor.ts";
import { CAPABILITIES } from "../base/capabilities.ts";
import { parseKernelVersion } from "../sys/facts.ts";
import { allChecks, examine, examineHere } from "./doctor.ts";
import type { DoctorHost } from "./doctor_host.ts";
import { installCommand } from "./doctor_packages.ts";

const FILES: Readonly<Record<string, Partial<Deno.FileInfo>>> = {
  "/proc/self/ns/user": {},
  "/run/systemd/system": {},
  "/var/lib/systemd/linger/me": {},
  "/run/user/1000": { isDirectory: true, uid: 1000 },
  "/usr/bin/newuidmap": { mode: 0o104755 },
  "/usr/bin/newgidmap": { mode: 0o104755 },
  "/dev/net/tun": { mode: 0o020666 },
};

const FACTS: Readonly<Record<string, string>> = {
  "/proc/filesystems": "nodev\toverlay",
  "/proc/sys/kernel/seccomp/actions_avail": "kill_process errno allow",
  "/proc/sys/user/max_user_namespaces": "63000",
  "/etc/subuid": "you:100000:65536\nme:165536:65536",
  "/etc/subgid": "you:100000:65536\nme:165536:65536",
  "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers":
    "cpu io memory pids",
};

interface Differences {
  readonly facts?: Readonly<Record<string, string | undefined>>;
  readonly files?: Readonly<Record<string, undefined>>;
  readonly lacking?: readonly string[];
  readonly host?: Partial<DoctorHost>;
}

/** An ordinary user's well-kept host, but for the differences. */
function hostWith(differences: Differences = {}): DoctorHost {
  const facts = { ...FACTS, ...differences.facts };
  const files = { ...FILES, ...differences.files };
  return {
    uid: 1000,
    user: { name: "me", uid: 1000, gid: 1000, home: "/home/me" },
    env: (name) => name === "XDG_RUNTIME_DIR" ? "/run/user/1000" : undefined,
    kernel: parseKernelVersion("6.8.0"),
    capabilities: {
      bounding: new Set(CAPABILITIES),
      effective: new Set(),
    },
    cgroups: {
      mode: "v2",
      controllers: new Map(),
      unified: { mountPoint: "/sys/fs/cgroup", path: "/" },
    },
    paths: {
      root: { root: "/var/lib/coracle", state: "/run/coracle" },
      rootless: { root: "/tmp", state: "/run/user/1000/coracle" },
    },
    fact: (path) => facts[path],
    program: (name) =>
      differences.lacking?.includes(name) ? undefined : `/usr/bin/${name}`,
    file: (path) => files[path] as Deno.FileInfo | undefined,
    fileSystem: () => "ext4",
    run: ([program]) =>
      Promise.resolve({
        success: true,
        output: program === "df" ? "header\n/dev/x 9 9 99999999 1% /" : "fine",
      }),
    canOpen: () => true,
    install: (need) => installCommand(need, "ID=debian"),
    ...differences.host,
  };
}

async function rootless(differences: Differences = {}) {
  const host = hostWith(differences);
  const { usable, checks } = await diagnose(allChecks(host), "rootless");
  const bad = checks.filter(({ status }) => status !== "ok");
  return { usable, bad, first: bad[0] };
}

Deno.test("allChecks() find nothing when all is well", async () => {
  const { usable, bad } = await rootless();
  assertEquals(bad, []);
  assert(usable);
  const ids = allChecks(hostWith()).map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
});

interface Case {
  readonly when: string;
  readonly differences: Differences;
  readonly id: string;
  readonly status: "warning" | "missing";
  readonly fix: string;
}

const CASES: readonly Case[] = [
  {
    when: "there is no runtime",
    differences: { lacking: ["runc", "crun", "youki"] },
    ...{ id: "runtime", status: "missing", fix: "apt-get install runc" },
  },
  {
    when: "AppArmor restricts user namespaces",
    differences: {
      facts: {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
      },
    },
    ...{ id: "user-namespaces", status: "missing" },
    fix: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  },
  {
    when: "user namespaces are switched off",
    differences: { facts: { "/proc/sys/user/max_user_namespaces": "0" } },
    ...{ id: "user-namespaces", status: "missing" },
    fix: "sysctl -w user.max_user_namespaces=",
  },
  {
    when: "newuidmap is not installed",
    differences: { lacking: ["newuidmap"] },
    ...{ id: "idmap-tools", status: "warning" },
    fix: "apt-get install uidmap",
  },
  {
    when: "the user has no subordinate ids",
    differences: { facts: { "/etc/subuid": "you:100000:65536" } },
    ...{ id: "subordinate-ids", status: "warning" },
    fix: "usermod --add-subuids 231072-296607 me",
  },
  {
    when: "the home directory is on NFS",
    differences: { host: { fileSystem: () => "nfs4" } },
    ...{ id: "store", status: "missing", fix: "export CORACLE_ROOT=" },
  },
  {
    when: "XDG_RUNTIME_DIR is not set",
    differences: { host: { env: () => undefined } },
    ...{ id: "runtime-directory", status: "warning" },
    fix: "export XDG_RUNTIME_DIR=/run/user/1000",
  },
  {
    when: "nothing lingers",
    differences: { files: { "/var/lib/systemd/linger/me": undefined } },
    ...{ id: "linger", status: "warning" },
    fix: "loginctl enable-linger me",
  },
  {
    when: "cpu is not delegated",
    differences: {
      facts: {
        "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers":
          "memory pids",
      },
    },
    ...{ id: "delegation", status: "warning" },
    fix: "Delegate=cpu cpuset io memory pids",
  },
  {
    when: "/dev/net/tun is absent",
    differences: { files: { "/dev/net/tun": undefined } },
    ...{ id: "tun", status: "warning", fix: "modprobe tun" },
  },
  {
    when: "the kernel is old",
    differences: { host: { kernel: parseKernelVersion("5.4.0-42") } },
    ...{ id: "kernel", status: "warning", fix: "newer kernel" },
  },
];

for (const { when, differences, id, status, fix } of CASES) {
  Deno.test(`allChecks() find only "${id}" when ${when}`, async () => {
    const { usable, bad, first } = await rootless(differences);
    assertEquals(bad.map((one) => one.id), [id]);
    assert(first !== undefined && first.status === status);
    assertStringIncludes(first.fix, fix);
    assertEquals(usable, status === "warning");
  });
}

Deno.test("installCommand() speaks the distribution's language", () => {
  assertEquals(installCommand("idmap", "ID=alpine"), "apk add shadow-uidmap");
  assertEquals(
    installCommand("runc", 'ID="rocky"\nID_LIKE="rhel centos fedora"'),
    "dnf install runc",
  );
  assertEquals(
    installCommand("idmap", "ID=ubuntu\nID_LIKE=debian"),
    "apt-get install uidmap",
  );
  assertEquals(installCommand("runc", undefined), "apt-get install runc");
});

Deno.test({
  name: "examine() judges the host that it runs on",
  // A trial mount opens symbols of libc that stay open.
  sanitizeResources: false,
  fn: async () => {
    const { own, other } = await examine();
    const isRoot = Deno.uid() === 0;
    assertEquals(own.use, isRoot ? "root" : "rootless");
    assertEquals(other.use, isRoot ? "rootless" : "root");
    for (const check of [...own.checks, ...other.checks]) {
      assert(!check.detail.startsWith("cannot find out"), check.detail);
    }
  },
});

Deno.test("diagnose() goes on when a probe fails", async () => {
  const { usable, checks } = await diagnose([{
    id: "broken",
    title: "Broken",
    appliesTo: ["root"],
    probe: () => {
      throw new Error("no such thing");
    },
  }], "root");
  assert(usable);
  assertEquals(checks[0]?.status, "skipped");
  assertStringIncludes(checks[0]?.detail ?? "", "no such thing");
});

Deno.test({
  name: "examineHere() judges the store that the command line names",
  // As above.
  sanitizeResources: false,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "coracle-doctor-" });
    try {
      const { own } = await examineHere({ root: `${directory}/root` });
      const store = own.checks.find(({ id }) => id === "store");
      assertStringIncludes(store?.detail ?? "", `${directory}/root on `);
    } finally {
      await Deno.remove(directory);
    }
  },
});
