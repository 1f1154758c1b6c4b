/** The daemon as a service: its socket, its locks, its signals, its manager. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  ContentDefinition,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { HealthDefinition } from "../proto/gen/grpc/health/v1/health.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { API_VERSION } from "../src/app/self.ts";
import { coracle } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";
import { mountTmpfs } from "./support/mount_tmpfs.ts";
import { openNotifySocket } from "./support/notify_socket.ts";
import { isThere } from "../src/sys/is_there.ts";
import { PROGRAM } from "./support/program.ts";

const isRoot = Deno.uid() === 0;
const ACTIVATE = "/usr/bin/systemd-socket-activate";
const PAUSE_MS = 20;

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`Waited in vain for ${what}`);
}

/** A second daemon, which is not to live. */
async function second(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stderr: string }> {
  const { code, stderr } = await new Deno.Command("timeout", {
    args: ["30", ...PROGRAM, "daemon", ...args],
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a second daemon refuses root, state and socket of the first", async () => {
  await using daemon = await openDaemon();
  const { dir, pid, address } = daemon;
  const other = ["--address", `${dir}/other.sock`];
  for (
    const args of [
      ["--root", `${dir}/root`, "--state", `${dir}/state2`, ...other],
      ["--root", `${dir}/root2`, "--state", `${dir}/state`, ...other],
    ]
  ) {
    const { code, stderr } = await second(...args);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `process id ${pid}, at "${address}"`);
  }
  const { code, stderr } = await second(
    ...["--root", `${dir}/root2`, "--state", `${dir}/state2`],
    ...["--address", address],
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "another daemon answers there");
  assertEquals(
    (await daemon.stub(VersionDefinition).version({})).revision,
    "0.1.0",
  );
});

Deno.test("the socket is its owner's and group's, and outlives no daemon", async () => {
  await using daemon = await openDaemon();
  const { mode } = await Deno.lstat(daemon.address);
  assertEquals((mode ?? 0) & 0o777, isRoot ? 0o660 : 0o600);
  await daemon.stop("SIGKILL");
  assert(isThere(daemon.address), "a killed daemon removes nothing");
  await daemon.start();
  assertEquals(await daemon.stop("SIGTERM"), 0);
  assert(!isThere(daemon.address));
});

Deno.test({
  name: "gid gives the socket to a group, which can reach it",
  ignore: !isRoot,
  async fn() {
    const config = await Deno.makeTempFile({ suffix: ".toml" });
    try {
      await Deno.writeTextFile(config, "[grpc]\ngid = 12345\n");
      await using daemon = await openDaemon({ args: ["-c", config] });
      assertEquals((await Deno.lstat(daemon.address)).gid, 12345);
    } finally {
      await Deno.remove(config);
    }
  },
});

Deno.test("what is no socket is left alone", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-service-" });
  try {
    await Deno.writeTextFile(`${dir}/file`, "mine");
    const { code, stderr } = await second(
      ...["--root", `${dir}/root`, "--state", `${dir}/state`],
      ...["--address", `${dir}/file`],
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "it is no socket");
    assertEquals(await Deno.readTextFile(`${dir}/file`), "mine");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a socket whose name leaves none for shims is refused", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-service-" });
  try {
    const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
    const address = `${dir}/${"s".repeat(107 - dir.length - 1)}`;
    const { code, stderr } = await second(...store, "--address", address);
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `Cannot listen on "${address}.ttrpc": longer than 107 bytes`,
    );
    assertStringIncludes(stderr, "[ttrpc]");
    assert(!isThere(address));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a disk that can't be written is told in a line",
  ignore: !isRoot,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "coracle-service-" });
    await using disk = await mountTmpfs(`${dir}/disk`, "ro");
    try {
      const other = ["--address", `${dir}/s`];
      for (
        const args of [
          ["--root", disk.path, "--state", `${dir}/state`],
          ["--root", `${dir}/root`, "--state", `${disk.path}/state`],
        ]
      ) {
        const { code, stderr } = await second(...args, ...other);
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, disk.path);
        assertStringIncludes(stderr, "Read-only file system");
        assert(!stderr.includes("    at "), stderr);
      }
    } finally {
      await disk[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("SIGTERM tells those who watch the daemon's health", async () => {
  await using daemon = await openDaemon();
  // It ends when the daemon stops: as NOT_SERVING.
  const watch = daemon.stub(HealthDefinition).watch({ service: "" });
  const statuses: number[] = [];
  const watching = (async () => {
    for await (const { status } of watch) statuses.push(status);
  })();
  await until(() => statuses.length === 1, "the first status");
  assertEquals(await daemon.stop("SIGTERM"), 0);
  await watching;
  assertEquals(statuses, [1, 2]);
});

Deno.test("a second signal does not wait for open calls", async () => {
  await using daemon = await openDaemon();
  // A body that is never finished.
  const content = daemon.stub(ContentDefinition);
  const { promise: forever, resolve } = Promise.withResolvers<void>();
  const calling = Array.fromAsync(content.write(
    (async function* () {
      yield WriteContentRequest.create({ action: 0, ref: "open" });
      await forever;
    })(),
    { metadata: daemon.headers },
  )).catch((error) => error);
  await until(() => {
    Deno.kill(daemon.pid, "SIGUSR1");
    return daemon.log().includes(" calls=1 ");
  }, "an open call");
  Deno.kill(daemon.pid, "SIGTERM");
  await until(() => daemon.log().includes("Stopping"), "the first signal");
  assertEquals(await daemon.stop("SIGTERM"), 143);
  resolve();
  assert(await calling instanceof Error);
  assert(!isThere(daemon.address));
});

Deno.test("SIGUSR1 notes the daemon's state in its log", async () => {
  await using daemon = await openDaemon();
  Deno.kill(daemon.pid, "SIGUSR1");
  await until(() => daemon.log().includes("The daemon's state"), "a note");
  assertStringIncludes(daemon.log(), "rssBytes=");
});

Deno.test("health and introspection say who serves", async () => {
  await using daemon = await openDaemon();
  const health = daemon.stub(HealthDefinition);
  assertEquals((await health.check({ service: "" })).status, 1);
  const failure = await health.check({ service: "nope" }).catch((it) => it);
  assertEquals(failure.code, "notFound");
  const introspection = daemon.stub(IntrospectionDefinition);
  const first = await introspection.server({});
  assertEquals(Number(first.pid), daemon.pid);
  assertEquals(
    first.pidns,
    BigInt((await Deno.stat("/proc/self/ns/pid")).ino ?? 0),
  );
  await daemon.stop("SIGKILL");
  await daemon.start();
  assertEquals((await introspection.server({})).uuid, first.uuid);
  const { plugins } = await introspection.plugins({
    filters: ["type==io.containerd.snapshotter.v1, id==overlayfs"],
  });
  assertEquals(plugins.map(({ id }) => id), ["overlayfs"]);
  const { plugins: runtimes } = await introspection.plugins({
    filters: [
      "type==io.containerd.runtime.v1",
      "type==io.containerd.runtime.v2",
    ],
  });
  assertEquals(runtimes[0]?.platforms[0]?.os, "linux");
  const bad = await introspection.plugins({ filters: ["=="] }).catch((it) =>
    it
  );
  assertEquals(bad.code, "invalidArgument");
});

for (const kind of ["path", "abstract"] as const) {
  Deno.test(`a service manager (${kind}) is told what the daemon does`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "coracle-notify-" });
    try {
      await using manager = await openNotifySocket(
        kind === "path" ? `${dir}/notify` : `@${dir.slice(1)}`,
      );
      await using daemon = await openDaemon({
        env: { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: "200000" },
      });
      const told = (text: string) => () =>
        manager.told().some((line) => line.startsWith(text));
      await until(told("READY=1 STATUS="), "READY");
      await until(told("WATCHDOG=1"), "WATCHDOG");
      Deno.kill(daemon.pid, "SIGHUP");
      await until(told("RELOADING=1 MONOTONIC_USEC="), "RELOADING");
      await daemon.stop("SIGTERM");
      await until(told("STOPPING=1"), "STOPPING");
      const states = manager.told().filter((line) => !/^WATCHDOG/.test(line));
      assertEquals(
        states.map((line) => line.slice(0, line.indexOf("="))),
        ["READY", "RELOADING", "READY", "STOPPING"],
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test({
  name: "systemd hands over its socket, and keeps it",
  ignore: !isThere(ACTIVATE),
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "coracle-activate-" });
    const path = `${dir}/s.sock`;
    const process = new Deno.Command(ACTIVATE, {
      args: [
        ...["--listen", path, "--setenv", `PATH=${Deno.env.get("PATH")}`],
        ...["--setenv", `HOME=${Deno.env.get("HOME") ?? dir}`],
        ...[...PROGRAM, "daemon", "--root", `${dir}/root`],
        ...["--state", `${dir}/state`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until(() => isThere(path), "the socket");
      await using client = new GrpcClient({ path });
      const { version } = await client.stub(VersionDefinition).version({});
      assertEquals(version, API_VERSION);
      assert(!isThere(`${dir}/state/coracle.sock`));
      // Nobody has to be told where systemd listens.
      const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
      const { code, stderr } = await coracle([...store, "plugins", "ls"]);
      assertEquals(code, 0, stderr);
      process.kill("SIGTERM");
      assertEquals((await process.status).code, 0);
      assert(isThere(path), "the socket is not the daemon's");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("what is handed over and can't be listened at is refused", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-handed-" });
  try {
    const script = "exec 3</dev/null; export LISTEN_FDS=1; exec timeout 30 " +
      'sh -c \'LISTEN_PID=$$ exec "$@"\' sh "$@"';
    const { code, stderr } = await new Deno.Command("sh", {
      args: [
        ...["-c", script, "sh", ...PROGRAM, "daemon"],
        ...["--root", `${dir}/root`, "--state", `${dir}/state`],
      ],
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1, said);
    assertStringIncludes(said, "descriptor 3 of the service manager");
    assertStringIncludes(said, "ListenStream=");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
