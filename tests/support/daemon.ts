/** The daemon on a store of its own, and clients of it. */

import { HealthDefinition } from "../../proto/gen/grpc/health/v1/health.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import type { GrpcStub, ServiceDefinition } from "../../src/rpc/grpc/method.ts";
import { coracle, type Outcome } from "./coracle.ts";
import { removeLeft } from "./remove_left.ts";
import { PROGRAM } from "./program.ts";

export interface Daemon extends AsyncDisposable {
  /** Has root, state, socket and log. */
  readonly dir: string;
  /** Of its socket. */
  readonly address: string;
  /** Of its process. */
  readonly pid: number;
  /** A namespace of this test's own. */
  readonly namespace: string;
  /** Flags of the command line that name the same store. */
  readonly flags: readonly string[];
  /** Containerd's own client, in the namespace. */
  ctr(...args: readonly string[]): Promise<Outcome>;
  /** As `ctr`; standard output of a call that must succeed. */
  expectCtr(...args: readonly string[]): Promise<string>;
  /** Our command line on the same store, without the daemon. */
  call(...args: readonly string[]): Promise<Outcome>;
  /** Calls in the namespace, over a connection of this test's own. */
  stub<const S extends ServiceDefinition>(definition: S): GrpcStub<S>;
  readonly headers: Readonly<Record<string, string>>;
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<number>;
  /** Starts it, and waits until it answers. */
  start(): Promise<void>;
  /** Starts it, and waits until one can connect: it may not be ready yet. */
  startListening(): Promise<void>;
  /** Starts it, and does not wait for it. */
  launch(): Deno.ChildProcess;
  /** When it ends by itself. @returns the exit code */
  ended(): Promise<number>;
  /** What it has said. */
  log(): string;
}

export interface DaemonOptions {
  /** More flags of `coracle daemon`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The executable to start instead of the source tree. */
  readonly executable?: string;
}

const START_MS = 30_000;
const PAUSE_MS = 20;
/** After which a command that hangs is a failure. */
const MOST_SECONDS = 60;

export async function openDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-daemon-" });
  const daemon = new TestDaemon(dir, options);
  try {
    await daemon.start();
    return daemon;
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

class TestDaemon implements Daemon {
  readonly dir: string;
  readonly namespace = `test${crypto.randomUUID().slice(0, 8)}`;
  readonly #options: DaemonOptions;
  readonly #client: GrpcClient;
  #process: Deno.ChildProcess | undefined;

  constructor(dir: string, options: DaemonOptions) {
    this.dir = dir;
    this.#options = options;
    this.#client = new GrpcClient({ path: this.address });
  }

  get address(): string {
    return `${this.dir}/coracle.sock`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get flags(): readonly string[] {
    return ["--root", `${this.dir}/root`, "--state", `${this.dir}/state`];
  }

  get headers(): Readonly<Record<string, string>> {
    return { "containerd-namespace": this.namespace };
  }

  launch(): Deno.ChildProcess {
    const { executable, args = [], env = {} } = this.#options;
    const program = executable === undefined ? PROGRAM : [executable];
    const all = [...program, "daemon", ...this.flags];
    return new Deno.Command("sh", {
      args: [
        ...["-c", `log=$1; shift; exec "$@" >> "$log" 2>&1`, "sh"],
        ...[`${this.dir}/log`, ...all, "--address", this.address, ...args],
      ],
      stdin: "null",
      env,
    }).spawn();
  }

  async start(): Promise<void> {
    await this.startListening();
    await using client = new GrpcClient({ path: this.address });
    // Answered when all is there; a configuration can leave it out.
    await client.stub(HealthDefinition).check({ service: "" }).catch(() => {});
  }

  async startListening(): Promise<void> {
    this.#process = this.launch();
    for (let waited = 0; waited < START_MS; waited += PAUSE_MS) {
      if (await canConnect(this.address)) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    throw new Error(`The daemon does not serve:\n${this.log()}`);
  }

  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<number> {
    const process = this.#process;
    if (process === undefined) return 0;
    this.#process = undefined;
    try {
      process.kill(signal);
    } catch {
      // It has ended by itself.
    }
    const { code } = await process.status;
    return code;
  }

  async ended(): Promise<number> {
    const process = this.#process;
    this.#process = undefined;
    return (await process?.status)?.code ?? 0;
  }

  async ctr(...args: readonly string[]): Promise<Outcome> {
    const to = ["-a", this.address, "-n", this.namespace];
    const { code, stdout, stderr } = await new Deno.Command("timeout", {
      args: [String(MOST_SECONDS), "ctr", ...to, ...args],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  async expectCtr(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ctr(...args);
    if (code === 0) return stdout;
    throw new Error(
      `ctr ${args.join(" ")} ended with ${code}: ${stderr}\n${this.log()}`,
    );
  }

  call(...args: readonly string[]): Promise<Outcome> {
    return coracle([...this.flags, "--namespace", this.namespace, ...args]);
  }

  stub<const S extends ServiceDefinition>(definition: S): GrpcStub<S> {
    return this.#client.stub(definition);
  }

  log(): string {
    try {
      return Deno.readTextFileSync(`${this.dir}/log`);
    } catch {
      return "";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.stop("SIGTERM");
    await removeLeft(this.dir);
    removeCgroups(this.namespace);
  }
}

/** ctr's containers are in groups of their namespace, which runc leaves. */
function removeCgroups(namespace: string): void {
  const root = "/sys/fs/cgroup";
  const controllers = [...Deno.readDirSync(root)]
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${root}/${name}/${namespace}`);
  for (const directory of [`${root}/${namespace}`, ...controllers]) {
    try {
      Deno.removeSync(directory);
    } catch {
      // It was never made, or a container that is left is in it.
    }
  }
}

async function canConnect(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch {
    return false;
  }
}
