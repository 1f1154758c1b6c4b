/** The two daemons that are compared, each on a root of its own. */

import { succeeds } from "./pull_tools.ts";

export interface ApiDaemon extends AsyncDisposable {
  /** Of its socket. */
  readonly address: string;
  /** Of its process. */
  readonly pid: number;
}

const READY_MS = 20_000;
const PAUSE_MS = 20;

/** @param dir made here */
export async function openCoracleApi(
  dir: string,
  coracle: string,
): Promise<ApiDaemon> {
  await Deno.mkdir(dir);
  const address = `${dir}/c.sock`;
  return await open(address, coracle, [
    ...["daemon", "--root", `${dir}/root`, "--state", `${dir}/state`],
    ...["--address", address],
  ]);
}

/** @param dir made here */
export async function openContainerdApi(dir: string): Promise<ApiDaemon> {
  await Deno.mkdir(dir);
  const address = `${dir}/c.sock`;
  const config = `${dir}/config.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${address}"
`,
  );
  return await open(address, "containerd", ["--config", config]);
}

async function open(
  address: string,
  command: string,
  args: readonly string[],
): Promise<ApiDaemon> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const daemon = {
    address,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
  const end = performance.now() + READY_MS;
  while (!await succeeds(["ctr", "--address", address, "version"])) {
    if (performance.now() > end) {
      await daemon[Symbol.asyncDispose]();
      throw new Error(`Cannot start "${command}" within ${READY_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return daemon;
}
