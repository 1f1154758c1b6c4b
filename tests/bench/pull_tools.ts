/** The programs that pull, each into an empty store on a disk of its own. */

/** A store that is ready to pull into. */
export interface Puller extends AsyncDisposable {
  /** Processes that belong to it besides the command. */
  readonly daemons: readonly number[];
  readonly command: string;
  readonly args: readonly string[];
}

export interface PullTool {
  readonly name: string;
  /** Programs that it needs. */
  readonly needs: readonly string[];
  /** @param disk empty directory for all that it keeps */
  open(disk: string, reference: string): Promise<Puller>;
}

const READY_MS = 20_000;

export function pullTools(coracle: string): readonly PullTool[] {
  return [
    {
      name: "coracle pull",
      needs: [coracle],
      open: (disk, reference) =>
        Promise.resolve({
          daemons: [],
          command: coracle,
          args: [
            ...["--root", `${disk}/root`, "--state", `${disk}/state`],
            ...["pull", "--quiet", reference],
          ],
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    },
    {
      name: "ctr images pull",
      needs: ["containerd", "ctr"],
      open: openContainerd,
    },
    {
      name: "podman pull",
      needs: ["podman"],
      open: (disk, reference) =>
        Promise.resolve({
          daemons: [],
          command: "podman",
          args: [
            ...["--root", `${disk}/root`, "--runroot", `${disk}/run`],
            ...["--storage-driver", "overlay", "pull", "--quiet"],
            ...["--tls-verify=false", reference],
          ],
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    },
    {
      name: "docker pull",
      needs: ["dockerd", "docker"],
      open: openDocker,
    },
  ];
}

async function openContainerd(
  disk: string,
  reference: string,
): Promise<Puller> {
  const socket = `${disk}/containerd.sock`;
  const config = `${disk}/config.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${disk}/root"
state = "${disk}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
`,
  );
  const daemon = await startDaemon(
    "containerd",
    ["--config", config],
    ["ctr", "--address", socket, "version"],
  );
  return {
    ...daemon,
    command: "ctr",
    args: [
      ...["--address", socket, "images", "pull", "--plain-http"],
      reference,
    ],
    [Symbol.asyncDispose]: daemon.stop,
  };
}

async function openDocker(disk: string, reference: string): Promise<Puller> {
  const socket = `unix://${disk}/docker.sock`;
  const daemon = await startDaemon("dockerd", [
    ...["--data-root", `${disk}/root`, "--exec-root", `${disk}/run`],
    ...["--pidfile", `${disk}/pid`, "--host", socket],
    ...["--iptables=false", "--bridge=none", "--storage-driver=overlay2"],
  ], ["docker", "--host", socket, "version"]);
  return {
    ...daemon,
    command: "docker",
    args: ["--host", socket, "pull", "--quiet", reference],
    [Symbol.asyncDispose]: daemon.stop,
  };
}

interface Daemon {
  readonly daemons: readonly number[];
  readonly stop: () => Promise<void>;
}

async function startDaemon(
  command: string,
  args: readonly string[],
  probe: readonly string[],
): Promise<Daemon> {
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
  return { daemons: [child.pid], stop };
}

export async function succeeds(command: readonly string[]): Promise<boolean> {
  const [program = "", ...args] = command;
  try {
    const { success } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
