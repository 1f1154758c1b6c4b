/** `external_snapshotter_main.ts` as a child. */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

export interface ExternalSnapshotterOptions {
  /** Of the plugin. */
  readonly name: string;
  /** Has the socket `NAME.sock` and the files `NAME`. */
  readonly directory: string;
  /** Files of the layers that it has by itself. */
  readonly layer?: string;
}

export class ExternalSnapshotter implements AsyncDisposable {
  readonly #options: ExternalSnapshotterOptions;
  #child: Deno.ChildProcess | undefined;

  constructor(options: ExternalSnapshotterOptions) {
    this.#options = options;
  }

  get address(): string {
    return `${this.#options.directory}/${this.#options.name}.sock`;
  }

  async start(): Promise<void> {
    const { name, directory, layer } = this.#options;
    const main = new URL("./external_snapshotter_main.ts", import.meta.url);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", `--config=${ROOT}deno.json`],
        ...[main.pathname, this.address, `${directory}/${name}`, name],
        ...layer === undefined ? [] : [layer],
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#child = child;
    const output = child.stdout.getReader();
    const { value } = await output.read();
    await output.cancel();
    assertEquals(new TextDecoder().decode(value), "ready\n");
  }

  /** As by the kernel when memory is short. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
