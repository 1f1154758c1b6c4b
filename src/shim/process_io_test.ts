/** Streams of processes, as clients of a shim find them. */

import { assertEquals, assertMatch } from "@std/assert";
import { openKeptBundles } from "../../tests/support/kept_bundle.ts";
import { background } from "../base/context.ts";
import type { ShimCreateRequest } from "../core/shim.ts";
import { isThere } from "../sys/is_there.ts";
import { makeFifo } from "../sys/descriptors.ts";
import { errno } from "../sys/libc.ts";
import { sendSignal } from "../sys/process.ts";

const isRoot = Deno.uid() === 0;
const ctx = background();
const SIGKILL = 9;
const LONG_MS = 10_000;

interface Bench extends AsyncDisposable {
  readonly bundles: ReturnType<typeof openKeptBundles>;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  /** @param args of the container `one`, whose streams are the FIFOs */
  request(...args: readonly string[]): ShimCreateRequest;
}

type Criu = "with CRIU" | "without CRIU";

/** All that the shim does with a CRIU is to look whether there is one. */
function openBench(criu: Criu): Bench {
  const programs = Deno.makeTempDirSync({ prefix: "coracle-programs-" });
  if (criu === "with CRIU") {
    Deno.writeTextFileSync(`${programs}/criu`, "", { mode: 0o755 });
  }
  const bundles = openKeptBundles({ programs });
  const at = (name: string) => `${bundles.directory}/${name}`;
  const fifos = { stdin: at("in"), stdout: at("out"), stderr: at("err") };
  for (const path of Object.values(fifos)) makeFifo(path, 0o600);
  return {
    ...fifos,
    bundles,
    request: (...args) => ({
      ...{ ...fifos, terminal: false, id: "one", rootfs: [], checkpoint: "" },
      bundle: bundles.make("one", { args }),
    }),
    async [Symbol.asyncDispose]() {
      await Deno.remove(programs, { recursive: true });
      await bundles[Symbol.asyncDispose]();
    },
  };
}

const ONE = { id: "one", execId: "" };

/** Reads a FIFO to its end. */
async function reader(path: string): Promise<string> {
  const child = new Deno.Command("cat", { args: [path], stdout: "piped" });
  return new TextDecoder().decode((await child.output()).stdout);
}

async function feed(path: string, text: string): Promise<number> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'printf %s "$1" > "$2"', "sh", text, path],
    stderr: "null",
  });
  return (await child.output()).code;
}

function streamsOf(pid: number): readonly string[] {
  return [0, 1, 2].map((fd) => Deno.readLinkSync(`/proc/${pid}/fd/${fd}`));
}

function stream(
  name: string,
  run: (bench: Bench, criu: Criu) => Promise<void>,
): void {
  // A machine that has one can't be without.
  const isInstalled = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
    .some((directory) => isThere(`${directory}/criu`));
  for (const criu of ["with CRIU", "without CRIU"] as const) {
    const ignore = !isRoot || (isInstalled && criu === "without CRIU");
    Deno.test({
      name: `${name}, ${criu}`,
      ignore,
      async fn() {
        await using bench = openBench(criu);
        await run(bench, criu);
        assertEquals(bench.bundles.leftovers(), []);
      },
    });
  }
}

async function prime(): Promise<void> {
  await using bench = openBench("with CRIU");
  const { service } = bench.bundles;
  const outputs = [reader(bench.stdout), reader(bench.stderr)];
  await service.create(ctx, bench.request("/bin/sh", "-c", "cat; echo >&2"));
  await service.start(ctx, ONE);
  await feed(bench.stdin, "x");
  await service.closeStdin(ctx, ONE);
  await service.wait(ctx, ONE);
  await service.delete(ctx, ONE);
  await Promise.all(outputs);
  sendSignal(Deno.pid, 0);
  errno();
}
// libc's symbols stay open; the sanitizer must not count them to a test.
if (isRoot) await prime();

stream("input is read to its end, and both outputs", async (bench) => {
  const { service } = bench.bundles;
  const outputs = [reader(bench.stdout), reader(bench.stderr)];
  const script = "cat; echo lament >&2";
  await service.create(ctx, bench.request("/bin/sh", "-c", script));
  await service.start(ctx, ONE);
  await feed(bench.stdin, "first ");
  // Its writer has gone; more may come until it is closed.
  await feed(bench.stdin, "second");
  await service.closeStdin(ctx, ONE);
  assertEquals((await service.wait(ctx, ONE)).exitCode, 0);
  assertEquals(await Promise.all(outputs), ["first second", "lament\n"]);
  await service.delete(ctx, ONE);
});

stream("input that was closed before the start is read", async (bench) => {
  const { service } = bench.bundles;
  const outputs = [reader(bench.stdout), reader(bench.stderr)];
  await service.create(ctx, bench.request("/bin/cat"));
  await feed(bench.stdin, "early");
  await service.closeStdin(ctx, ONE);
  await service.start(ctx, ONE);
  assertEquals((await service.wait(ctx, ONE)).exitCode, 0);
  await service.delete(ctx, ONE);
  assertEquals(await Promise.all(outputs), ["early", ""]);
});

stream("a client hears that nobody reads its input", async (bench) => {
  const { service } = bench.bundles;
  const outputs = [reader(bench.stdout), reader(bench.stderr)];
  const script = "read one; exec 0<&-; while :; do sleep 0.1; done";
  await service.create(ctx, bench.request("/bin/sh", "-c", script));
  await service.start(ctx, ONE);
  const flood = new Deno.Command("sh", {
    args: ["-c", 'exec yes > "$1"', "sh", bench.stdin],
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => flood.kill("SIGKILL"), LONG_MS);
  const { code } = await flood.status;
  clearTimeout(timer);
  assertEquals(code === 128 + SIGKILL, false, "nobody told it");
  await service.kill(ctx, { ...ONE, signal: SIGKILL, scope: "process" });
  await service.wait(ctx, ONE);
  await service.delete(ctx, ONE);
  await Promise.all(outputs);
});

stream("much input and output comes through whole", async (bench) => {
  const { service } = bench.bundles;
  const counted = new Deno.Command("sh", {
    args: ["-c", 'cat "$1" | wc -c', "sh", bench.stdout],
    stdout: "piped",
  }).output();
  const errors = reader(bench.stderr);
  await service.create(ctx, bench.request("/bin/cat"));
  await service.start(ctx, ONE);
  const bytes = 20_000_000;
  await new Deno.Command("sh", {
    args: [
      "-c",
      'head -c "$1" /dev/zero > "$2"',
      "sh",
      `${bytes}`,
      bench.stdin,
    ],
  }).output();
  await service.closeStdin(ctx, ONE);
  assertEquals((await service.wait(ctx, ONE)).exitCode, 0);
  await service.delete(ctx, ONE);
  const { stdout } = await counted;
  assertEquals(Number(new TextDecoder().decode(stdout)), bytes);
  assertEquals(await errors, "");
});

stream("the end comes of what nobody reads any more", async (bench) => {
  const { service } = bench.bundles;
  const endless = "while :; do echo again and again; done";
  const script = `${endless} >&2 & ${endless}`;
  await service.create(ctx, bench.request("/bin/sh", "-c", script));
  await service.start(ctx, ONE);
  await service.kill(ctx, { ...ONE, signal: SIGKILL, scope: "process" });
  assertEquals((await service.wait(ctx, ONE)).exitCode, 128 + SIGKILL);
  await service.delete(ctx, ONE);
});

stream(
  "CRIU finds a client's FIFOs only where there is none",
  async (bench, criu) => {
    const { service } = bench.bundles;
    const outputs = [reader(bench.stdout), reader(bench.stderr)];
    await service.create(ctx, bench.request("/bin/cat"));
    const pid = await service.start(ctx, ONE);
    const [stdin = "", stdout = "", stderr = ""] = streamsOf(pid);
    const isPipe = /^pipe:/;
    assertMatch(stderr, isPipe);
    for (const its of [stdin, stdout]) {
      // What is not copied, which takes time, is the client's own.
      assertEquals(isPipe.test(its), criu === "with CRIU", its);
    }
    await service.closeStdin(ctx, ONE);
    await service.wait(ctx, ONE);
    await service.delete(ctx, ONE);
    await Promise.all(outputs);
  },
);
