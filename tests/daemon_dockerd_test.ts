/** Real dockerd on our daemon: it must not be able to tell. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import {
  DOCKER_IMAGE,
  type Dockerd,
  hasDockerd,
  openDockerd,
} from "./support/dockerd.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

interface Bench {
  readonly dockerd: Dockerd;
  readonly daemon: Pick<Daemon, "start" | "stop">;
}

/** Without a network: there is no bridge. */
const RUN = ["run", "--network", "none"] as const;
const SLEEP = ["sleep", "1000"] as const;

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async "info names containerd"({ dockerd }) {
    const version = await dockerd.expect("version");
    assertStringIncludes(version, "containerd:");
    await dockerd.expect("info");
  },

  async "run in the foreground"({ dockerd }) {
    const said = await dockerd.docker(
      ...[...RUN, "--rm", DOCKER_IMAGE, "sh", "-c"],
      "echo out; echo err >&2; exit 3",
    );
    assertEquals([said.code, said.stdout, said.stderr], [3, "out\n", "err\n"]);
    const fed = await dockerd.run(
      [...RUN, "--rm", "-i", DOCKER_IMAGE, "cat"],
      { stdin: "cargo\n" },
    );
    assertEquals([fed.code, fed.stdout], [0, "cargo\n"]);
    const terminal = await dockerd.expect(
      ...[
        ...RUN,
        "--rm",
        "-t",
        DOCKER_IMAGE,
        "sh",
        "-c",
        "test -t 1 && echo t",
      ],
    );
    assertEquals(terminal, "t");
  },

  async "commands that can't be run"({ dockerd }) {
    const missing = await dockerd.docker(
      ...RUN,
      "--rm",
      DOCKER_IMAGE,
      "nosuch",
    );
    assertEquals(missing.code, 127);
    assertEquals(missing.stderr.match(/unable to start/g)?.length, 1);
    const refused = await dockerd.docker(...RUN, "--rm", DOCKER_IMAGE, "/etc");
    assertEquals(refused.code, 126);
  },

  async "run detached, exec, logs, top, stats"({ dockerd }) {
    const script = "echo ready; sleep 1000";
    await dockerd.expect(
      ...[...RUN, "-d", "--name", "web", DOCKER_IMAGE, "sh", "-c", script],
    );
    assertEquals(await dockerd.expect("exec", "web", "echo", "in"), "in");
    const failed = await dockerd.docker("exec", "web", "sh", "-c", "exit 9");
    assertEquals(failed.code, 9);
    const missing = await dockerd.docker("exec", "web", "nosuch");
    assertEquals(missing.code, 126);
    const said = missing.stdout + missing.stderr;
    assertEquals(said.match(/unable to start/g)?.length, 1);
    const fed = await dockerd.run(["exec", "-i", "web", "cat"], {
      stdin: "fed\n",
    });
    assertEquals(fed.stdout, "fed\n");
    assertStringIncludes(
      await dockerd.expect("exec", "-t", "web", "sh", "-c", "stty size"),
      " ",
    );
    assertEquals(await dockerd.expect("logs", "web"), "ready");
    assertStringIncludes(await dockerd.expect("top", "web"), "sleep 1000");
    const figures = await dockerd.expect(
      ...["stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "web"],
    );
    assertMatch(figures, /^[1-9]\d* [\d.]+[KM]iB /);
  },

  async "pause, unpause, kill, wait, restart"({ dockerd }) {
    const state = () =>
      dockerd.expect("inspect", "-f", "{{.State.Status}}", "web");
    await dockerd.expect("pause", "web");
    assertEquals(await state(), "paused");
    await dockerd.expect("unpause", "web");
    assertEquals(await state(), "running");
    await dockerd.expect("update", "--pids-limit", "50", "web");
    await dockerd.expect("restart", "-t", "0", "web");
    assertEquals(await state(), "running");
    await dockerd.expect("kill", "-s", "KILL", "web");
    assertEquals(await dockerd.expect("wait", "web"), "137");
    assertEquals(await state(), "exited");
    await dockerd.expect("start", "web");
    await dockerd.expect("stop", "-t", "0", "web");
    assertEquals(await state(), "exited");
    await dockerd.expect("rm", "web");
  },

  async "limits"({ dockerd }) {
    const read = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes " +
      "/sys/fs/cgroup/memory.max 2>/dev/null || true";
    const said = await dockerd.expect(
      ...[...RUN, "--rm", "--memory", "64m", "--cpus", "0.5"],
      ...["--pids-limit", "20", DOCKER_IMAGE, "sh", "-c", read],
    );
    assertStringIncludes(said, String(64 * 1024 * 1024));
  },

  async "a container out of memory"({ dockerd }) {
    const hog = "x=a; while :; do x=$x$x; done";
    await dockerd.docker(
      ...[...RUN, "--name", "hog", "-m", "8m", "--memory-swap", "8m"],
      ...[DOCKER_IMAGE, "sh", "-c", hog],
    );
    const about = "{{.State.OOMKilled}} {{.State.ExitCode}}";
    assertEquals(
      await dockerd.expect("inspect", "-f", about, "hog"),
      "true 137",
    );
    await dockerd.expect("rm", "hog");
  },

  async "restart policies"({ dockerd }) {
    await dockerd.expect(
      ...[...RUN, "-d", "--name", "again", "--restart", "on-failure:2"],
      ...[DOCKER_IMAGE, "sh", "-c", "exit 1"],
    );
    const about = "{{.RestartCount}} {{.State.Status}}";
    await until(async () =>
      await dockerd.expect("inspect", "-f", about, "again") === "2 exited"
    );
    await dockerd.expect("rm", "again");
  },

  async "attach"({ dockerd }) {
    const script = "sleep 1; echo late; exit 4";
    await dockerd.expect(
      ...[...RUN, "-d", "--name", "ear", DOCKER_IMAGE, "sh", "-c", script],
    );
    const heard = await dockerd.docker("attach", "ear");
    assertEquals([heard.code, heard.stdout], [4, "late\n"]);
    await dockerd.expect(
      ...["create", "-i", "--name", "mouth", DOCKER_IMAGE, "cat"],
    );
    const said = await dockerd.run(["start", "-ai", "mouth"], {
      stdin: "hello\n",
    });
    assertEquals([said.code, said.stdout], [0, "hello\n"]);
    await dockerd.expect("rm", "ear", "mouth");
  },

  async "events"({ dockerd }) {
    const since = String(Math.floor(Date.now() / 1000) - 1);
    await dockerd.expect(
      ...[...RUN, "--rm", "--name", "told", DOCKER_IMAGE, "true"],
    );
    const until = String(Math.ceil(Date.now() / 1000) + 1);
    const told = await dockerd.expect(
      ...["events", "--since", since, "--until", until],
      ...["--filter", "container=told", "--format", "{{.Action}}"],
    );
    const actions = told.split("\n").filter((it) => !it.startsWith("network"));
    assertEquals(actions, ["create", "attach", "start", "die", "destroy"]);
  },

  async "build, BuildKit off and on"({ dockerd }) {
    const dir = `${dockerd.dir}/context`;
    await Deno.mkdir(dir);
    await Deno.writeTextFile(`${dir}/cargo`, "rope\n");
    await Deno.writeTextFile(
      `${dir}/Dockerfile`,
      `FROM ${DOCKER_IMAGE}\nCOPY cargo /cargo\nRUN wc -c /cargo > /size\n` +
        `CMD ["cat", "/cargo", "/size"]\n`,
    );
    for (const kit of ["0", "1"]) {
      const built = await dockerd.run(
        ["build", "--network", "none", "-t", `harbour/built${kit}`, dir],
        { env: { DOCKER_BUILDKIT: kit } },
      );
      assertEquals(built.code, 0, built.stderr);
      assertEquals(
        await dockerd.expect(...RUN, "--rm", `harbour/built${kit}`),
        "rope\n5 /cargo",
      );
    }
  },

  async "push and pull"({ dockerd }) {
    if (!hasRegistry()) return;
    await using registry = await startRegistry();
    const image = `${registry.host}/harbour/boat:1`;
    await dockerd.expect("tag", DOCKER_IMAGE, image);
    await dockerd.expect("push", image);
    await dockerd.expect("rmi", image);
    await dockerd.expect("pull", image);
    assertEquals(
      await dockerd.expect(...RUN, "--rm", image, "echo", "aboard"),
      "aboard",
    );
  },

  async "containers live on while our daemon is restarted"(
    { dockerd, daemon },
  ) {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const name = signal.toLowerCase();
      const script = "trap 'exit 7' TERM; while :; do sleep 0.1; done";
      await dockerd.expect(
        ...[...RUN, "-d", "--name", name, DOCKER_IMAGE, "sh", "-c", script],
      );
      const pid = await dockerd.expect("inspect", "-f", "{{.State.Pid}}", name);
      await daemon.stop(signal);
      assert(isAlive(pid));
      await daemon.start();
      await until(async () =>
        (await dockerd.docker("exec", name, "echo", "here")).stdout === "here\n"
      );
      const now = await dockerd.expect("inspect", "-f", "{{.State.Pid}}", name);
      assertEquals(now, pid);
      await dockerd.expect("stop", "-t", "5", name);
      const code = "{{.State.ExitCode}}";
      assertEquals(await dockerd.expect("inspect", "-f", code, name), "7");
      await dockerd.expect("rm", name);
    }
  },

  async "many at once"({ dockerd }) {
    const names = Array.from({ length: 8 }, (_, at) => `many${at}`);
    await Promise.all(
      names.map((name) =>
        dockerd.expect(...RUN, "-d", "--name", name, DOCKER_IMAGE, ...SLEEP)
      ),
    );
    const running = await dockerd.expect("ps", "-q");
    assertEquals(running.split("\n").length, names.length);
    await dockerd.expect("rm", "-f", ...names);
    assertEquals(await dockerd.expect("ps", "-aq"), "");
  },
};

const WAIT_MS = 20_000;
const PAUSE_MS = 200;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!await holds()) {
    if (Date.now() > end) throw new Error("It does not come true");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function isAlive(pid: string): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}

Deno.test({
  name: "dockerd on our daemon",
  ignore: !hasDockerd(),
  fn: async (t) => {
    await using daemon = await openDaemon();
    await using dockerd = await openDockerd(daemon.address);
    for (const [name, step] of Object.entries(STEPS)) {
      await t.step(name, () => step({ dockerd, daemon }));
    }
  },
});
