/** Engines whose containers outlive a command, each on a root of its own. */

import { writeBusyboxRoot } from "../support/run_image.ts";
import { succeeds } from "./pull_tools.ts";

export const IMAGE = "docker.io/library/busybox:latest";

/** Ends at once when it is asked to. */
const SCRIPT = "trap 'exit 0' TERM; sleep 100000 & wait";
const COMMAND = ["sh", "-c", SCRIPT] as const;
const READY_MS = 20_000;

export interface Engine extends AsyncDisposable {
  /** Settles when it runs. */
  runDetached(id: string): Promise<void>;
  /** Runs `true` in it, to its end. */
  exec(id: string): Promise<void>;
  /** Undefined if there is no such command. */
  readonly stop?: (id: string) => Promise<void>;
  /** `rm -f` of one that runs. */
  remove(id: string): Promise<void>;
  /** Of the processes that keep containers. */
  shims(): readonly number[];
  /** Has the shim of a container get up that sleeps, if any ever does. */
  readonly wake?: (id: string) => Promise<void>;
}

export interface EngineSpec {
  readonly name: string;
  /** Programs that it needs. */
  readonly needs: readonly string[];
  open(place: Place): Promise<Engine>;
}

export interface Place {
  /** Empty directories: what survives a reboot, and what does not. */
  readonly disk: string;
  readonly state: string;
  /** The image, as `docker save` writes it. */
  readonly archive: string;
}

export function engines(coracle: string): readonly EngineSpec[] {
  const needs = ["containerd", "ctr"];
  return [
    {
      name: "coracle",
      needs: [coracle],
      open: (at) => openCoracle(coracle, at),
    },
    { name: "ctr", needs, open: (at) => openContainerd(at) },
    // By default the one filters system calls, as docker does, and the other
    // does not, which is half of what an OCI runtime costs.
    {
      name: "coracle, unfiltered",
      needs: [coracle],
      open: (at) =>
        openCoracle(coracle, at, {
          flags: ["--security-opt", "seccomp=unconfined"],
        }),
    },
    {
      name: "ctr, filtered",
      needs,
      open: (at) => openContainerd(at, ["--seccomp"]),
    },
    { name: "podman", needs: ["podman", "conmon"], open: openPodman },
    { name: "docker", needs: ["dockerd", "docker"], open: openDocker },
  ];
}

export async function isThere({ needs }: EngineSpec): Promise<boolean> {
  for (const program of needs) {
    if (!await succeeds(["sh", "-c", `command -v "$0"`, program])) return false;
  }
  return true;
}

export interface CoracleOptions {
  /** More of them for `run`. */
  readonly flags?: readonly string[];
  /** Text of the configuration file. */
  readonly config?: string;
}

export async function openCoracle(
  coracle: string,
  { disk, state, archive }: Place,
  { flags = [], config = "" }: CoracleOptions = {},
): Promise<Engine> {
  const env = { CORACLE_CONFIG: `${disk}/config.toml` };
  await Deno.writeTextFile(env.CORACLE_CONFIG, config);
  const call = (...args: readonly string[]) =>
    execute(
      coracle,
      ["--root", `${disk}/root`, "--state", state, ...args],
      env,
    );
  await call("load", "--input", archive);
  const run = ["run", "--detach", "--network", "none", ...flags];
  return {
    runDetached: (id) => call(...run, "--name", id, IMAGE, ...COMMAND),
    exec: (id) => call("exec", id, "true"),
    wake: (id) => call("update", "--restart", "no", id),
    stop: (id) => call("stop", id),
    remove: (id) => call("rm", "--force", id),
    shims: () => shimsOfBundles(`${state}/bundles`),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Each once: they may keep several. */
function shimsOfBundles(bundles: string): readonly number[] {
  const pids = [...Deno.readDirSync(bundles)].flatMap(({ name }) => {
    try {
      const text = Deno.readTextFileSync(`${bundles}/${name}/shim.json`);
      return [Number(JSON.parse(text).pid)];
    } catch {
      return [];
    }
  });
  return [...new Set(pids)];
}

/** @param flags more of them for `ctr run` */
async function openContainerd(
  { disk, state, archive }: Place,
  flags: readonly string[] = [],
): Promise<Engine> {
  const address = `${disk}/containerd.sock`;
  const config = `${disk}/containerd.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${disk}/root"
state = "${state}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${address}"
`,
  );
  const stop = await startDaemon(
    "containerd",
    ["--config", config],
    ["ctr", "--address", address, "version"],
  );
  const ctr = (...args: readonly string[]) =>
    execute("ctr", ["--address", address, ...args]);
  await ctr("images", "import", archive);
  let execs = 0;
  return {
    runDetached: (id) =>
      ctr("run", "--detach", ...flags, IMAGE, id, ...COMMAND),
    exec: (id) =>
      ctr("tasks", "exec", "--exec-id", `exec-${execs++}`, id, "true"),
    async remove(id) {
      await ctr("tasks", "delete", "--force", id);
      await ctr("containers", "delete", id);
    },
    shims: () => processesWith("containerd-shim-runc-v2", address),
    [Symbol.asyncDispose]: stop,
  };
}

async function openPodman({ disk, state, archive }: Place): Promise<Engine> {
  const config = `${disk}/containers.conf`;
  // Its own are more than a machine with fewer rights than usual can give.
  await Deno.writeTextFile(
    config,
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`,
  );
  const podman = (...args: readonly string[]) =>
    execute(
      "podman",
      [
        ...["--root", `${disk}/root`, "--runroot", state],
        ...["--storage-driver", "overlay", ...args],
      ],
      { CONTAINERS_CONF: config },
    );
  await podman("load", "--input", archive);
  return {
    runDetached: (id) =>
      podman("run", "--detach", "--name", id, IMAGE, ...COMMAND),
    exec: (id) => podman("exec", id, "true"),
    stop: (id) => podman("stop", id),
    remove: (id) => podman("rm", "--force", "--time", "0", id),
    shims: () => processesWith("conmon", state),
    // It mounts its directory over itself, and sometimes leaves that.
    async [Symbol.asyncDispose]() {
      const overlay = `${disk}/root/overlay`;
      if (!await succeeds(["mountpoint", "--quiet", overlay])) return;
      await execute("umount", ["--lazy", overlay]);
    },
  };
}

async function openDocker({ disk, state, archive }: Place): Promise<Engine> {
  const host = `unix://${disk}/docker.sock`;
  const stop = await startDaemon("dockerd", [
    ...["--data-root", `${disk}/root`, "--exec-root", state],
    ...["--pidfile", `${disk}/pid`, "--host", host],
    ...["--iptables=false", "--bridge=none", "--storage-driver=overlay2"],
  ], ["docker", "--host", host, "version"]);
  const docker = (...args: readonly string[]) =>
    execute("docker", ["--host", host, ...args]);
  await docker("load", "--input", archive);
  const run = ["run", "--detach", "--network", "none"];
  return {
    runDetached: (id) => docker(...run, "--name", id, IMAGE, ...COMMAND),
    exec: (id) => docker("exec", id, "true"),
    stop: (id) => docker("stop", id),
    remove: (id) => docker("rm", "--force", id),
    shims: () => processesWith("containerd-shim", state),
    [Symbol.asyncDispose]: stop,
  };
}

/** Those that outlive a daemon's start; @returns what ends it */
async function startDaemon(
  command: string,
  args: readonly string[],
  probe: readonly string[],
): Promise<() => Promise<void>> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  const end = performance.now() + READY_MS;
  while (!await succeeds(probe)) {
    if (performance.now() > end) {
      await stop();
      throw new Error(`Cannot start "${command}" in time`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return stop;
}

/** The program's name is in the first argument, `text` in another one. */
function processesWith(program: string, text: string): readonly number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [first = "", ...rest] = Deno.readTextFileSync(
        `/proc/${name}/cmdline`,
      ).split("\0");
      return first.includes(program) && rest.some((arg) => arg.includes(text))
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

/** Runs a command to its end; its errors are in the error. */
async function execute(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  // To a file, because what outlives the command would hold a pipe open.
  const errors = await Deno.makeTempFile();
  try {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", 'exec "$@" 2>"$0"', errors, command, ...args],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn().status;
    if (code === 0) return;
    const line = [command, ...args].join(" ");
    const said = await Deno.readTextFile(errors);
    throw new Error(`Cannot run "${line}": exit ${code}: ${said}`);
  } finally {
    await Deno.remove(errors);
  }
}

/** An image as `docker save` writes it, made with tar alone. */
export async function makeArchive(dir: string): Promise<string> {
  const parts = `${dir}/parts`;
  await Deno.mkdir(`${parts}/root`, { recursive: true });
  writeBusyboxRoot(`${parts}/root`);
  await execute("tar", [
    ...["-C", `${parts}/root`, "-cf", `${parts}/layer.tar`, "."],
  ]);
  const layer = await Deno.readFile(`${parts}/layer.tar`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", layer));
  const config = {
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${hash.toHex()}`] },
  };
  const manifest = [{
    Config: "config.json",
    RepoTags: [IMAGE],
    Layers: ["layer.tar"],
  }];
  await Deno.writeTextFile(`${parts}/config.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${parts}/manifest.json`, JSON.stringify(manifest));
  const archive = `${dir}/image.tar`;
  await execute("tar", [
    ...["-C", parts, "-cf", archive],
    ...["manifest.json", "config.json", "layer.tar"],
  ]);
  return archive;
}
