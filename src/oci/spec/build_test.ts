import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { buildSpec } from "./build.ts";
import { CAPABILITIES } from "../../base/capabilities.ts";
import { changeCapabilities } from "./capabilities.ts";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { serializeSpec } from "./serialize.ts";
import { testFacts, testRequest } from "./testing.ts";

const confined = testRequest().security;

Deno.test("buildSpec() gives docker's defaults when nothing is asked", () => {
  const { process, hostname, linux, mounts, ociVersion } = buildSpec(
    testRequest(),
    testFacts(),
  );
  assertEquals(ociVersion, "1.0.2");
  assertEquals(hostname, "boat");
  assertEquals(process.capabilities, {
    bounding: DEFAULT_CAPABILITIES,
    effective: DEFAULT_CAPABILITIES,
    permitted: DEFAULT_CAPABILITIES,
  });
  assertEquals(DEFAULT_CAPABILITIES.length, 14);
  assertEquals(process.noNewPrivileges, undefined);
  assertEquals(mounts.map(({ destination }) => destination), [
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/sys/fs/cgroup",
    "/dev/mqueue",
    "/dev/shm",
  ]);
  assertEquals(
    linux.namespaces.map(({ type }) => type),
    ["mount", "pid", "network", "ipc", "uts", "cgroup"],
  );
  assertEquals(linux.resources, {
    devices: [{ allow: false, access: "rwm" }],
  });
  assert(linux.maskedPaths?.includes("/sys/devices/virtual/powercap"));
  assert(linux.readonlyPaths?.includes("/proc/sys"));
  assertEquals(linux.sysctl?.["net.ipv4.ip_unprivileged_port_start"], "0");
});

Deno.test("buildSpec() hides and filters nothing when privileged", () => {
  const { process, linux, mounts } = buildSpec(
    testRequest({ security: { ...confined, confinement: "privileged" } }),
    testFacts({
      devices: () => [{ path: "/dev/kvm", type: "c", major: 10, minor: 232 }],
    }),
  );
  assertEquals(process.capabilities?.bounding, CAPABILITIES);
  assertEquals(linux.maskedPaths, undefined);
  assertEquals(linux.readonlyPaths, undefined);
  assertEquals(linux.seccomp, undefined);
  assertEquals(linux.devices?.map(({ path }) => path), ["/dev/kvm"]);
  assertEquals(linux.resources?.devices, [{ allow: true, access: "rwm" }]);
  assertEquals(mounts.filter((m) => m.options?.includes("ro")), []);
});

Deno.test("buildSpec() asks for no more than this process holds", () => {
  const notes: string[] = [];
  const held = new Set(
    CAPABILITIES.filter((name) => name !== "CAP_SYS_RESOURCE"),
  );
  const { process } = buildSpec(
    testRequest({
      security: { ...confined, confinement: "privileged" },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 9, hard: 99_999 }],
      oomScoreAdj: -500,
    }),
    testFacts({
      capabilitiesBounding: held,
      rlimits: { RLIMIT_NOFILE: { soft: 1024, hard: 20_000 } },
    }),
    (message) => notes.push(message),
  );
  assertEquals(new Set(process.capabilities?.bounding), held);
  assertEquals(process.rlimits, [
    { type: "RLIMIT_NOFILE", soft: 9, hard: 20_000 },
  ]);
  assertEquals(process.oomScoreAdj, 0);
  assertEquals(notes.length, 3);
});

Deno.test("buildSpec() exceeds our own limits when the kernel allows it", () => {
  const { process } = buildSpec(
    testRequest({
      rlimits: [{ type: "RLIMIT_NPROC", soft: 1, hard: Infinity }],
      oomScoreAdj: -500,
    }),
    testFacts({ rlimits: { RLIMIT_NPROC: { soft: 1, hard: 2 } } }),
  );
  assertEquals(process.rlimits?.at(-1)?.hard, Infinity);
  assertEquals(process.oomScoreAdj, -500);
});

Deno.test("buildSpec() leaves out what a user namespace forbids", () => {
  const { linux, mounts } = buildSpec(
    testRequest({
      namespaces: { ...testRequest().namespaces, network: "host", pid: "host" },
      resources: { pidsLimit: 5 },
    }),
    testFacts({
      inUserNamespace: true,
      cgroupsWritable: false,
      gidRanges: [{ first: 0, count: 1 }],
    }),
  );
  const options = (destination: string) =>
    mounts.find((mount) => mount.destination === destination)?.options ?? [];
  assertEquals(linux.cgroupsPath, undefined);
  assertEquals(linux.resources, undefined);
  assertEquals(linux.sysctl, undefined);
  assert(!options("/dev/pts").includes("gid=5"));
  assert(options("/sys").includes("rbind"));
  assertEquals(options("/proc"), ["rbind"]);
  assert(!linux.namespaces.some(({ type }) => type === "user"));
});

Deno.test("buildSpec() gives an ordinary user an empty effective set", () => {
  const { process } = buildSpec(
    testRequest({ user: { uid: 1000, gid: 1000 } }),
    testFacts(),
  );
  assertEquals(process.capabilities?.effective, []);
  assertEquals(process.capabilities?.bounding, DEFAULT_CAPABILITIES);
});

Deno.test("buildSpec() mounts no /dev/shm where nothing is to be shared", () => {
  const request = testRequest();
  const namespaces = { ...request.namespaces, ipc: "none" } as const;
  const { mounts, linux } = buildSpec({ ...request, namespaces }, testFacts());
  const names = mounts.map(({ destination }) => destination);
  assertEquals(names.includes("/dev/shm"), false);
  assertEquals(names.includes("/dev/mqueue"), true);
  assertEquals(linux.namespaces?.some(({ type }) => type === "ipc"), true);
});

Deno.test("buildSpec() mounts parents first, and the user's over the usual", () => {
  const bind = (destination: string) => ({
    destination,
    type: "bind",
    source: "/s",
  });
  const { mounts } = buildSpec(
    testRequest({ mounts: [bind("/a/b/c"), bind("/a"), bind("/dev/shm")] }),
    testFacts(),
  );
  const names = mounts.map(({ destination }) => destination);
  assertEquals(names.slice(-3), ["/a", "/dev/shm", "/a/b/c"]);
  assertEquals(names.filter((name) => name === "/dev/shm").length, 1);
});

Deno.test("changeCapabilities() follows docker's rules for ALL", () => {
  const change = (add: string[], drop: string[]) =>
    changeCapabilities({ add, drop });
  assertEquals(change([], ["ALL"]), []);
  assertEquals(change(["CAP_CHOWN"], ["ALL"]), ["CAP_CHOWN"]);
  assertEquals(change(["ALL"], []).length, CAPABILITIES.length);
  assert(!change(["ALL"], ["CAP_BPF"]).includes("CAP_BPF"));
  assert(change(["CAP_KILL"], ["CAP_KILL"]).includes("CAP_KILL"));
});

Deno.test("clamping never leaves more than is held, whatever is asked", () => {
  const names = fc.subarray([...CAPABILITIES]);
  fc.assert(fc.property(names, names, names, (add, drop, held) => {
    const { process } = buildSpec(
      testRequest({ security: { ...confined, capabilities: { add, drop } } }),
      testFacts({ capabilitiesBounding: new Set(held) }),
    );
    assert(
      process.capabilities?.bounding.every((name) =>
        held.includes(name as typeof held[number])
      ),
    );
  }));
});

Deno.test("serializeSpec() writes an infinite limit as the kernel's number", () => {
  const spec = buildSpec(
    testRequest({
      rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: Infinity }],
    }),
    testFacts(),
  );
  const text = serializeSpec(spec);
  assert(text.includes('"soft":0,"hard":18446744073709551615'));
  JSON.parse(text);
});

Deno.test("serializeSpec() leaves text alone that looks like a limit", () => {
  const env = ['A={"soft":-1,"hard":-1}'];
  const rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: Infinity }];
  const spec = buildSpec(testRequest({ env, rlimits }), testFacts());
  assert(JSON.parse(serializeSpec(spec)).process.env.includes(env[0]));
});

Deno.test("buildSpec() puts device rules behind those of devices", () => {
  const rule = { allow: true, type: "c", access: "r" } as const;
  const { linux } = buildSpec(
    testRequest({
      deviceRules: [{ ...rule, major: 1 }],
      resources: {
        deviceRules: [{ ...rule, major: 2 }],
        blockIo: { weight: 300 },
      },
    }),
    testFacts(),
  );
  assertEquals(linux.resources, {
    devices: [
      { allow: false, access: "rwm" },
      { ...rule, major: 1 },
      { ...rule, major: 2 },
    ],
    blockIO: { weight: 300 },
  });
});
