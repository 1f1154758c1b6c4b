/** Programs behind `[proxy_plugins]`, as children that a test may kill. */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

export interface ExternalProgramOptions {
  /** Beside this file: `external_content_main.ts`. */
  readonly main: string;
  /** Path of the socket that it serves. */
  readonly address: string;
  /** Its arguments behind the socket. */
  readonly args: readonly string[];
}

export class ExternalProgram implements AsyncDisposable {
  readonly address: string;
  readonly #options: ExternalProgramOptions;
  #child: Deno.ChildProcess | undefined;

  constructor(options: ExternalProgramOptions) {
    this.#options = options;
    this.address = options.address;
  }

  /** Waits until it serves. */
  async start(): Promise<void> {
    const { main, address, args } = this.#options;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", `--config=${ROOT}deno.json`],
        ...[new URL(`./${main}`, import.meta.url).pathname, address, ...args],
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
