/** The first moments of the daemon, in which clients come already. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ContainersDefinition } from "../proto/gen/containerd/services/containers/v1/containers.ts";
import { HealthDefinition } from "../proto/gen/grpc/health/v1/health.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { TasksDefinition } from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { silentLogger } from "../src/base/log.ts";
import { openMetadata } from "../src/drivers/metadata_sqlite/open.ts";
import { API_VERSION } from "../src/app/self.ts";
import { coracle } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { openNotifySocket } from "./support/notify_socket.ts";
import { until } from "./support/processes.ts";
import { isThere } from "../src/sys/is_there.ts";

/** Longer than the daemon takes to come to its store. */
const LOCKED_MS = 1_000;

const RECORDS = 5_000;

/** A start from the source tree takes no longer, on a quiet machine. */
const MOST_START_MS = 600;
const KILLS = 15;

/** Keeps everybody else away from the store until it is disposed. */
async function lockStore({ dir }: Daemon): Promise<Disposable> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${dir}/root/meta.db`);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("BEGIN IMMEDIATE; COMMIT");
  return { [Symbol.dispose]: () => database.close() };
}

/** Makes the store look as if a later version of the program had written it. */
async function makeTooNew({ dir }: Daemon): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  using database = new DatabaseSync(`${dir}/root/meta.db`);
  database.exec("PRAGMA user_version = 999999");
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A daemon that has been here before, and is about to start again. */
async function openStopped(): Promise<Daemon> {
  const daemon = await openDaemon();
  assertEquals(await daemon.stop("SIGTERM"), 0, daemon.log());
  return daemon;
}

async function failureOf(call: Promise<unknown>): Promise<EngineError> {
  try {
    await call;
  } catch (error) {
    return EngineError.from(error);
  }
  throw new Error("It has not failed");
}

function listContainers(daemon: Daemon): Promise<readonly string[]> {
  return daemon.stub(ContainersDefinition)
    .list({ filters: [] }, { metadata: daemon.headers })
    .then(({ containers }) => containers.map(({ id }) => id));
}

/** One of each kind: what needs no store, what does, what needs all. */
function callAll(daemon: Daemon): Promise<readonly unknown[]> {
  const { headers: metadata } = daemon;
  return Promise.all([
    daemon.stub(VersionDefinition).version({}).then((it) => it.version),
    listContainers(daemon),
    daemon.stub(TasksDefinition).list({ filter: "" }, { metadata })
      .then((it) => it.tasks),
    daemon.stub(IntrospectionDefinition).plugins({ filters: [] })
      .then((it) => it.plugins.length > 30),
    daemon.stub(HealthDefinition).check({ service: "" })
      .then((it) => it.status),
  ]);
}

/** Directly in the database, as nobody is there to ask. */
async function makeRecords(
  { dir, namespace }: Daemon,
  count: number,
): Promise<void> {
  using store = await openMetadata({
    path: `${dir}/root/meta.db`,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });
  const ctx = background({ namespace });
  for (let i = 0; i < count; i++) {
    await store.containers.create(ctx, {
      id: `buoy${String(i).padStart(5, "0")}`,
      labels: {},
      runtime: { name: "io.containerd.runc.v2" },
    });
  }
}

Deno.test("clients that come before the store is open get their answers", async () => {
  await using daemon = await openStopped();
  await makeRecords(daemon, 1);
  const lock = await lockStore(daemon);
  await daemon.startListening();
  const answers = callAll(daemon);
  await pause(LOCKED_MS);
  lock[Symbol.dispose]();
  assertEquals(await answers, [API_VERSION, ["buoy00000"], [], true, 1]);
});

Deno.test("a client that comes at once sees all of a large store", async () => {
  await using daemon = await openStopped();
  await makeRecords(daemon, RECORDS);
  await daemon.startListening();
  assertEquals((await listContainers(daemon)).length, RECORDS);
});

Deno.test("health is watched from before the store is open", async () => {
  await using daemon = await openStopped();
  const lock = await lockStore(daemon);
  await daemon.startListening();
  const watch = daemon.stub(HealthDefinition).watch({ service: "" });
  const statuses = Array.fromAsync(watch, ({ status }) => status);
  await pause(LOCKED_MS);
  lock[Symbol.dispose]();
  await daemon.stub(HealthDefinition).check({ service: "" });
  assertEquals(await daemon.stop("SIGTERM"), 0);
  assertEquals(await statuses, [1, 2]);
});

Deno.test("the service manager hears READY when the store is open", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-notify-" });
  try {
    await using manager = await openNotifySocket(`${dir}/notify`);
    const env = { NOTIFY_SOCKET: manager.address };
    await using daemon = await openDaemon({ env });
    const readies = () =>
      manager.told().filter((line) => line.startsWith("READY=1")).length;
    assertEquals(await daemon.stop("SIGTERM"), 0);
    await until("the first READY is heard", () => readies() === 1);
    const lock = await lockStore(daemon);
    await daemon.startListening();
    await pause(LOCKED_MS);
    assertEquals(readies(), 1);
    lock[Symbol.dispose]();
    await until("the second READY is heard", () => readies() === 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a store that can't be opened ends the daemon, and its clients' calls", async () => {
  await using daemon = await openStopped();
  await makeTooNew(daemon);
  const lock = await lockStore(daemon);
  await daemon.startListening();
  const failure = failureOf(listContainers(daemon));
  await pause(LOCKED_MS / 2);
  // The daemon is so busy that it takes nobody in.
  const late = daemon.ctr("containers", "ls");
  await pause(LOCKED_MS / 2);
  lock[Symbol.dispose]();
  assertStringIncludes((await late).stderr, "is newer than");
  const { code, message } = await failure;
  assertEquals(code, "unavailable");
  assertStringIncludes(message, "is newer than");
  // It ends by itself.
  assertEquals(await daemon.ended(), 1);
  assertStringIncludes(
    daemon.log(),
    "\ncoracle daemon: Cannot use the database",
  );
  assertStringIncludes(daemon.log(), "\ncoracle daemon: Use the newer version");
  assert(!isThere(daemon.address));
});

Deno.test("a daemon is told to stop while it waits for its store", async () => {
  await using daemon = await openStopped();
  const lock = await lockStore(daemon);
  await daemon.startListening();
  await pause(LOCKED_MS);
  const stopped = daemon.stop("SIGTERM");
  await pause(100);
  lock[Symbol.dispose]();
  assertEquals(await stopped, 0, daemon.log());
  assert(!isThere(daemon.address));
});

Deno.test("a second daemon is refused while the first one opens its store", async () => {
  await using daemon = await openStopped();
  await makeRecords(daemon, 1);
  const lock = await lockStore(daemon);
  await daemon.startListening();
  const { ino } = await Deno.lstat(daemon.address);
  const { code, stderr } = await coracle(
    ["daemon", ...daemon.flags, "--address", daemon.address],
  );
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `process id ${daemon.pid}, at "${daemon.address}"`,
  );
  assertEquals((await Deno.lstat(daemon.address)).ino, ino);
  lock[Symbol.dispose]();
  assertEquals(await listContainers(daemon), ["buoy00000"]);
});

Deno.test("a daemon that is killed while it starts is in nobody's way", async () => {
  await using daemon = await openStopped();
  await makeRecords(daemon, 1);
  for (let ms = 0; ms < MOST_START_MS; ms += MOST_START_MS / KILLS) {
    const process = daemon.launch();
    await pause(ms);
    process.kill("SIGKILL");
    await process.status;
  }
  await daemon.startListening();
  assertEquals(await listContainers(daemon), ["buoy00000"]);
  assertEquals(await daemon.stop("SIGTERM"), 0);
  const left = await Array.fromAsync(Deno.readDir(daemon.dir));
  assertEquals(left.map(({ name }) => name).sort(), ["log", "root", "state"]);
});
