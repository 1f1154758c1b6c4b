/** Real containerd, with a root of its own and our shim on its PATH. */

import { ARCHIVE_IMAGE, makeBusyboxArchive } from "./busybox_archive.ts";
import { removeLeft } from "./remove_left.ts";

export interface Containerd extends AsyncDisposable {
  readonly directory: string;
  /** Where bundles are. */
  readonly state: string;
  readonly namespace: string;
  /** Of its process. */
  readonly pid: number;
  /** Runs ctr in the namespace. */
  ctr(...args: readonly string[]): Promise<Output>;
  /** Starts ctr, whose streams are the caller's. */
  spawn(
    args: readonly string[],
    program?: readonly string[],
  ): Deno.ChildProcess;
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  start(): Promise<void>;
  /** What its daemon has said, for failures. */
  log(): string;
  /** What is left of containers, shims and their files. */
  leftovers(): readonly string[];
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const IMAGE = ARCHIVE_IMAGE;

/** Undefined where it is not installed, or we are not root. */
export function hasContainerd(): boolean {
  return Deno.uid() === 0 &&
    ["/usr/bin/containerd", "/usr/bin/ctr"].every((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
}

/** @param executable ours, which becomes its shim */
export async function openContainerd(executable: string): Promise<Containerd> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-ctrd-" });
  await Deno.mkdir(`${directory}/bin`);
  await Deno.symlink(executable, `${directory}/bin/containerd-shim-coracle-v1`);
  const containerd = new RealContainerd(directory);
  try {
    await Deno.writeTextFile(`${directory}/config.toml`, configOf(directory));
    await containerd.start();
    const tar = await makeBusyboxArchive(directory);
    await containerd.expect("images", "import", tar);
    return containerd;
  } catch (error) {
    await containerd[Symbol.asyncDispose]();
    throw error;
  }
}

function configOf(directory: string): string {
  const disabled = ["grpc.v1.cri", "snapshotter.v1.btrfs", "snapshotter.v1.zfs"]
    .map((name) => `"io.containerd.${name}"`);
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = [${disabled.join(", ")}]
[grpc]
  address = "${directory}/c.sock"
`;
}

const START_MS = 30_000;
const PAUSE_MS = 50;
/** After which a command that hangs is a failure. */
const MOST_SECONDS = 30;

class RealContainerd implements Containerd {
  readonly directory: string;
  readonly namespace = `ctrd${crypto.randomUUID().slice(0, 8)}`;
  #daemon: Deno.ChildProcess | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  get state(): string {
    return `${this.directory}/state`;
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#daemon = new Deno.Command("sh", {
      args: [
        "-c",
        `exec /usr/bin/containerd --config "$0/config.toml" >> "$0/log" 2>&1`,
        this.directory,
      ],
      env: { PATH: `${this.directory}/bin:${Deno.env.get("PATH")}` },
      stdin: "null",
    }).spawn();
    const until = Date.now() + START_MS;
    while ((await this.ctr("version")).code !== 0) {
      if (Date.now() > until) throw new Error(this.log());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    this.#daemon = undefined;
    daemon.kill(signal);
    await daemon.status;
  }

  async ctr(...args: readonly string[]): Promise<Output> {
    const { code, stdout, stderr } = await new Deno.Command("timeout", {
      args: [
        "-s",
        "KILL",
        `${MOST_SECONDS}`,
        "ctr",
        ...this.#common(),
        ...args,
      ],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  async expect(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ctr(...args);
    if (code === 0) return stdout;
    throw new Error(`ctr ${args.join(" ")}: ${stderr}\n${this.log()}`);
  }

  spawn(
    args: readonly string[],
    program: readonly string[] = ["ctr"],
  ): Deno.ChildProcess {
    const [command = "ctr", ...before] = program;
    return new Deno.Command(command, {
      args: [...before, ...this.#common(), ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  #common(): readonly string[] {
    return ["-a", `${this.directory}/c.sock`, "-n", this.namespace];
  }

  log(): string {
    try {
      return Deno.readTextFileSync(`${this.directory}/log`);
    } catch {
      return "";
    }
  }

  leftovers(): readonly string[] {
    return [
      ...processesWith(this.directory).filter((it) => !it.includes("/c.sock\0"))
        .filter((it) => !it.includes("config.toml")),
      ...names(`/run/containerd/runc/${this.namespace}`),
      ...names(`${this.state}/io.containerd.runtime.v2.task/${this.namespace}`),
      ...mountsBelow(this.state),
      ...cgroupsOf(this.namespace).flatMap((path) => directoriesIn(path)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGTERM");
    for (const path of cgroupsOf(this.namespace)) removeEmpty(path);
    removeEmpty(`/run/containerd/runc/${this.namespace}`);
    await removeLeft(this.directory);
  }
}

/** Lines of `pid command` for processes with `text` among their arguments. */
export function processesWith(text: string): readonly string[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      return /^\d+$/.test(name) && line.includes(text)
        ? [`${name} ${line}`]
        : [];
    } catch {
      return [];
    }
  });
}

function mountsBelow(path: string): readonly string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .filter((line) => line.includes(` ${path}/`));
}

function names(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

function directoriesIn(path: string): readonly string[] {
  return [...Deno.readDirSync(path)].filter((it) => it.isDirectory)
    .map(({ name }) => `${path}/${name}`);
}

/** ctr puts its containers into `/NAMESPACE/ID`. */
function cgroupsOf(namespace: string): readonly string[] {
  return ["/sys/fs/cgroup", ...names("/sys/fs/cgroup")]
    .map((root) => `${root}/${namespace}`)
    .filter((path) => names(path).length > 0);
}

function removeEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is not there, or a test has failed and left something in it.
  }
}
