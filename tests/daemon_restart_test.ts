/** The daemon restarts what is labelled so. */

import { assertEquals, assertGreater } from "@std/assert";
import { ContainersDefinition } from "../proto/gen/containerd/services/containers/v1/containers.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { TasksDefinition } from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { Status } from "../proto/gen/containerd/v1/types/task.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

const PAUSE_MS = 50;
/** In which a monitor that looks five times a second must have acted. */
const SOON_MS = 15_000;
const STATUS = "containerd.io/restart.status";
const POLICY = "containerd.io/restart.policy";
const COUNT = "containerd.io/restart.count";

const CONFIG = `version = 2
[plugins."io.containerd.internal.v1.restart"]
  interval = "200ms"
`;

const ignore = Deno.uid() !== 0;

interface Restarting extends AsyncDisposable {
  readonly daemon: Daemon;
  /** Starts a container in the background. */
  run(
    id: string,
    labels: Readonly<Record<string, string>>,
    ...command: readonly string[]
  ): Promise<void>;
  /** Its process, or 0 if that does not run. */
  pid(id: string): Promise<number>;
  labels(id: string): Promise<Readonly<Record<string, string>>>;
}

/** A daemon that looks five times a second. */
async function openRestarting(): Promise<Restarting> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-restart-" });
  const rootfs = `${dir}/rootfs`;
  await Deno.mkdir(rootfs);
  writeBusyboxRoot(rootfs);
  const config = `${dir}/config.toml`;
  await Deno.writeTextFile(config, CONFIG);
  const daemon = await openDaemon({ args: ["--config", config] });
  const metadata = daemon.headers;
  const containers = daemon.stub(ContainersDefinition);
  const tasks = daemon.stub(TasksDefinition);
  return {
    daemon,
    async run(id, labels, ...command) {
      const flags = Object.entries(labels)
        .flatMap(([key, value]) => ["--label", `${key}=${value}`]);
      const args = ["--null-io", ...flags, "--rootfs", rootfs, id];
      await daemon.expectCtr("run", "-d", ...args, ...command);
    },
    async pid(id) {
      const { tasks: all } = await tasks.list({ filter: "" }, { metadata });
      const task = all.find((it) => it.id === id);
      return task?.status === Status.RUNNING ? task.pid : 0;
    },
    async labels(id) {
      const { container } = await containers.get({ id }, { metadata });
      return container?.labels ?? {};
    },
    async [Symbol.asyncDispose]() {
      await removeAll(daemon);
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Without labels nothing starts again while we remove it. */
async function removeAll(daemon: Daemon): Promise<void> {
  const ids = (await daemon.expectCtr("containers", "ls", "-q")).split("\n")
    .filter((id) => id !== "");
  for (const id of ids) {
    await daemon.expectCtr("containers", "label", id, `${STATUS}=`);
    await daemon.ctr("tasks", "kill", "-s", "SIGKILL", "-a", id);
    await soon(async () =>
      (await daemon.ctr("tasks", "rm", "-f", id)).stderr.includes(
        "not found",
      ) ||
      !(await daemon.expectCtr("tasks", "ls")).includes(id)
    );
    await daemon.expectCtr("containers", "rm", id);
  }
}

async function soon(condition: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + SOON_MS;
  while (!await condition()) {
    if (Date.now() > until) throw new Error("It does not come about");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const FOREVER = ["/bin/sleep", "1000"];

Deno.test({
  name: "the daemon restarts a task that has died, and counts",
  ignore,
  async fn() {
    await using it = await openRestarting();
    await it.run("a", { [STATUS]: "running", [POLICY]: "always" }, ...FOREVER);
    const first = await it.pid("a");
    assertGreater(first, 0);
    Deno.kill(first, "SIGKILL");
    await soon(async () => ![0, first].includes(await it.pid("a")));
    const second = await it.pid("a");
    assertEquals((await it.labels("a"))[COUNT], "1");
    // One whose task is gone altogether is started as well.
    await it.daemon.ctr("tasks", "rm", "-f", "a");
    await soon(async () => ![0, second].includes(await it.pid("a")));
    assertEquals((await it.labels("a"))[COUNT], "2");
  },
});

Deno.test({
  name: "the daemon gives up after as many failures as the policy allows",
  ignore,
  async fn() {
    await using it = await openRestarting();
    const labels = { [STATUS]: "running", [POLICY]: "on-failure:2" };
    await it.run("fails", labels, "/bin/sh", "-c", "exit 3");
    await it.run("succeeds", labels, "/bin/true");
    await soon(async () => (await it.labels("fails"))[COUNT] === "2");
    // Others are restarted meanwhile, so it has been looked at again.
    await it.run("a", { [STATUS]: "running" }, "/bin/true");
    await soon(async () => Number((await it.labels("a"))[COUNT] ?? "0") >= 3);
    assertEquals((await it.labels("fails"))[COUNT], "2");
    assertEquals((await it.labels("succeeds"))[COUNT], undefined);
  },
});

Deno.test({
  name:
    "the daemon leaves alone what was stopped on purpose, and ends what is to be stopped",
  ignore,
  async fn() {
    await using it = await openRestarting();
    const stopped = "containerd.io/restart.explicitly-stopped";
    await it.run("left", {
      [STATUS]: "running",
      [POLICY]: "unless-stopped",
      [stopped]: "true",
    }, "/bin/true");
    await it.run("no", { [STATUS]: "running", [POLICY]: "no" }, "/bin/true");
    await it.run("ended", {}, ...FOREVER);
    assertGreater(await it.pid("ended"), 0);
    const label = `${STATUS}=stopped`;
    await it.daemon.expectCtr("containers", "label", "ended", label);
    await it.run("a", { [STATUS]: "running" }, "/bin/true");
    await soon(async () => Number((await it.labels("a"))[COUNT] ?? "0") >= 2);
    assertEquals((await it.labels("left"))[COUNT], undefined);
    assertEquals((await it.labels("no"))[COUNT], undefined);
    await soon(async () => await it.pid("ended") === 0);
  },
});

Deno.test("the daemon says which policies of restarting it knows", async () => {
  await using daemon = await openDaemon();
  const { plugins } = await daemon.stub(IntrospectionDefinition).plugins({
    filters: ["id==restart"],
  });
  assertEquals(plugins.map(({ capabilities }) => capabilities), [
    ["no", "always", "on-failure", "unless-stopped"],
  ]);
});

Deno.test({
  name: "coracle inspect shows the policy of labels",
  ignore,
  async fn() {
    await using it = await openRestarting();
    const shown = async (id: string) => {
      const format = "{{json .HostConfig.RestartPolicy}}";
      const { code, stdout, stderr } = await it.daemon.call(
        ...["inspect", "-f", format, id],
      );
      assertEquals(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const labelled = (policy: string) => ({
      [STATUS]: "running",
      [POLICY]: policy,
    });
    await it.run("a", labelled("always"), ...FOREVER);
    await it.run("f", labelled("on-failure:2"), ...FOREVER);
    await it.run("n", {}, ...FOREVER);
    assertEquals(await shown("a"), { Name: "always", MaximumRetryCount: 0 });
    assertEquals(await shown("f"), {
      Name: "on-failure",
      MaximumRetryCount: 2,
    });
    assertEquals(await shown("n"), { Name: "no", MaximumRetryCount: 0 });
  },
});
