/** Real dockerd on somebody's containerd socket. */

import type { Outcome } from "./coracle.ts";
import { writeBusyboxRoot } from "./run_image.ts";
import { removeLeft } from "./remove_left.ts";

export interface Dockerd extends AsyncDisposable {
  readonly dir: string;
  docker(...args: readonly string[]): Promise<Outcome>;
  /** As `docker`; standard output, trimmed, of a call that must succeed. */
  expect(...args: readonly string[]): Promise<string>;
  /** With variables, and input. */
  run(
    args: readonly string[],
    options: {
      readonly env?: Readonly<Record<string, string>>;
      readonly stdin?: string;
    },
  ): Promise<Outcome>;
  log(): string;
}

const DOCKERD = "/usr/sbin/dockerd";
/** Debian's, of the daemon's age: later ones build with a plugin only. */
const DOCKER = "/usr/bin/docker";
export const DOCKER_IMAGE = "harbour/busybox";

const START_MS = 30_000;
const PAUSE_MS = 100;
/** After which a command that hangs is a failure. */
const MOST_SECONDS = 60;

export function hasDockerd(): boolean {
  return Deno.uid() === 0 && [DOCKERD, DOCKER].every((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** @param containerd path of a socket that speaks containerd's API */
export async function openDockerd(containerd: string): Promise<Dockerd> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-dockerd-" });
  const dockerd = new RealDockerd(dir, containerd);
  try {
    await dockerd.start();
    await dockerd.importImage();
    return dockerd;
  } catch (error) {
    await dockerd[Symbol.asyncDispose]();
    throw error;
  }
}

class RealDockerd implements Dockerd {
  readonly dir: string;
  readonly #containerd: string;
  #process: Deno.ChildProcess | undefined;

  constructor(dir: string, containerd: string) {
    this.dir = dir;
    this.#containerd = containerd;
  }

  async start(): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/daemon.json`, "{}");
    const args = [
      ...["--config-file", `${this.dir}/daemon.json`],
      ...["--containerd", this.#containerd, "--host", this.#host],
      ...["--data-root", `${this.dir}/data`, "--exec-root", `${this.dir}/exec`],
      ...["--pidfile", `${this.dir}/pid`, "--storage-driver", "overlay2"],
      ...["--bridge=none", "--iptables=false", "--ip-masq=false"],
      ...["--live-restore", "--exec-opt", "native.cgroupdriver=cgroupfs"],
      "--insecure-registry=127.0.0.0/8",
    ];
    this.#process = new Deno.Command("sh", {
      args: [
        ...["-c", `log=$1; shift; exec "$@" >> "$log" 2>&1`, "sh"],
        ...[`${this.dir}/log`, DOCKERD, ...args],
      ],
      stdin: "null",
    }).spawn();
    const until = Date.now() + START_MS;
    while ((await this.docker("version")).code !== 0) {
      if (Date.now() > until) throw new Error(this.log());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async importImage(): Promise<void> {
    const root = `${this.dir}/busybox`;
    writeBusyboxRoot(root);
    const tar = `${this.dir}/busybox.tar`;
    const { success } = await new Deno.Command("tar", {
      args: ["-C", root, "-cf", tar, "."],
    }).output();
    if (!success) throw new Error("Cannot make the image");
    await this.expect(
      ...["import", "--change", "ENV PATH=/bin", tar, DOCKER_IMAGE],
    );
  }

  docker(...args: readonly string[]): Promise<Outcome> {
    return this.run(args, {});
  }

  async expect(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.docker(...args);
    if (code === 0) return stdout.trim();
    throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stderr}`);
  }

  async run(
    args: readonly string[],
    { env = {}, stdin }: {
      readonly env?: Readonly<Record<string, string>>;
      readonly stdin?: string;
    },
  ): Promise<Outcome> {
    const child = new Deno.Command("timeout", {
      args: [
        ...["-s", "KILL", String(MOST_SECONDS), DOCKER],
        ...["--host", this.#host, ...args],
      ],
      env: { DOCKER_CONFIG: this.dir, DOCKER_BUILDKIT: "0", ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(stdin));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  log(): string {
    try {
      return Deno.readTextFileSync(`${this.dir}/log`);
    } catch {
      return "";
    }
  }

  get #host(): string {
    return `unix://${this.dir}/docker.sock`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child !== undefined) {
      const left = (await this.docker("ps", "-aq")).stdout.split("\n")
        .filter((id) => id !== "");
      if (left.length > 0) await this.docker("rm", "-f", ...left);
      child.kill("SIGTERM");
      await child.status;
    }
    await removeLeft(this.dir);
  }
}
