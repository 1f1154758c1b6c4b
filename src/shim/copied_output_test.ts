import { assert, assertEquals } from "@std/assert";
import {
  closeFd,
  makePipe,
  readSome,
  setBlocking,
  writeSome,
} from "../sys/descriptors.ts";
import { openPoller } from "../sys/poller.ts";
import { Copier } from "./copy.ts";
import { CopiedOutput } from "./copied_output.ts";

const LONG_MS = 10_000;
const PIPE_BYTES = 64 * 1024;
const bytes = (text: string) => new TextEncoder().encode(text);

class Bench implements AsyncDisposable {
  readonly #poller = openPoller();
  readonly #read: number;
  readonly output: CopiedOutput;

  constructor() {
    const client = makePipe();
    this.#read = client.read;
    for (const fd of Object.values(client)) setBlocking(fd, "nonblocking");
    this.output = new CopiedOutput(new Copier(this.#poller), client.write);
  }

  write(text: string): void {
    assertEquals(writeSome(this.output.writer, bytes(text)), text.length);
  }

  closeWriter(): void {
    closeFd(this.output.writer);
  }

  /** What the client finds: `again` if nothing, yet. */
  look(): string | "again" {
    const into = new Uint8Array(2 * PIPE_BYTES);
    const count = readSome(this.#read, into);
    return count === "again"
      ? count
      : new TextDecoder().decode(into.subarray(0, count));
  }

  async untilSeen(): Promise<string> {
    for (;;) {
      const seen = this.look();
      if (seen !== "again") return seen;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeFd(this.#read);
    await this.#poller.close();
  }
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  await using bench = new Bench();
  bench.output.start();
  bench.write("x");
  await bench.untilSeen();
  bench.closeWriter();
  await bench.untilSeen();
}
await prime();

Deno.test("CopiedOutput keeps from the client what comes before a process", async () => {
  await using bench = new Bench();
  bench.write("there is no such program");
  bench.closeWriter();
  assertEquals(bench.look(), "again");
  await bench.output.finish(LONG_MS);
  assertEquals(bench.look(), "", "the end of the file");
});

Deno.test("CopiedOutput passes on what a process writes, and its end", async () => {
  await using bench = new Bench();
  bench.write("early, ");
  bench.output.start();
  assertEquals(await bench.untilSeen(), "early, ");
  bench.write("late");
  assertEquals(await bench.untilSeen(), "late");
  bench.closeWriter();
  assertEquals(await bench.untilSeen(), "");
  await bench.output.finish(LONG_MS);
});

Deno.test("CopiedOutput.finish() has passed on all, though others may write on", async () => {
  await using bench = new Bench();
  bench.output.start();
  bench.write("the last word");
  await bench.output.finish(LONG_MS);
  assertEquals(bench.look(), "the last word");
  bench.write("a straggler's");
  assertEquals(await bench.untilSeen(), "a straggler's");
  bench.closeWriter();
  assertEquals(await bench.untilSeen(), "");
});

Deno.test("CopiedOutput.finish() waits for a slow client, and not for ever", async () => {
  await using bench = new Bench();
  bench.output.start();
  const whole = "x".repeat(PIPE_BYTES);
  bench.write(whole);
  await bench.output.finish(LONG_MS);
  bench.write(whole);
  const before = performance.now();
  await bench.output.finish(50);
  assert(performance.now() - before < LONG_MS / 2);
  const finished = bench.output.finish(LONG_MS);
  assertEquals(bench.look(), whole);
  await finished;
  assertEquals(bench.look(), whole);
  bench.closeWriter();
  assertEquals(await bench.untilSeen(), "");
});
