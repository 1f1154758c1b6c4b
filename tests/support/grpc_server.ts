/** `grpc_server_main.ts` as a child. */

import { assertEquals } from "@std/assert";

/** What is kept for ever would end it. */
const MEMORY = "--v8-flags=--max-semi-space-size=2,--max-old-space-size=128";

export interface ServerState {
  readonly connections: number;
  readonly calls: number;
  /** Bytes. */
  readonly rss: number;
}

export class GrpcServerProcess implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = `${directory}/s`;
    const main = new URL("./grpc_server_main.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", MEMORY, main, this.path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  static async start(): Promise<GrpcServerProcess> {
    const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
    const server = new GrpcServerProcess(directory);
    assertEquals(await server.#answer(), "ready");
    return server;
  }

  async state(): Promise<ServerState> {
    await this.#input.write(new TextEncoder().encode("?\n"));
    return await this.#answer() as ServerState;
  }

  /** It must have ended by itself, and well. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    const { code, signal } = await this.#child.status;
    await this.#output.cancel();
    await Deno.remove(this.#directory, { recursive: true });
    assertEquals({ code, signal }, { code: 0, signal: null });
  }

  async #answer(): Promise<unknown> {
    const { value = "" } = await this.#output.read();
    assertEquals(value.at(-1), "\n", "the server has gone");
    return JSON.parse(value);
  }
}
