/** Our logger program, as a shim of containerd's starts it. */

import { assert, assertEquals } from "@std/assert";
import {
  ATTACH_SOCKET,
  FrameReader,
  HEADER_BYTES,
} from "../base/container_log/attach_frame.ts";
import { background } from "../base/context.ts";
import { createLocalLogs } from "../drivers/logs_local/logs.ts";
import {
  closeFd,
  makePipe,
  readSome,
  setBlocking,
  writeSome,
} from "../sys/descriptors.ts";
import { type Interest, openPoller, type Poller } from "../sys/poller.ts";
import { type Child, spawn } from "../sys/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const encoder = new TextEncoder();

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  const { read, write } = makePipe();
  const poller = openPoller();
  const { promise, resolve } = Promise.withResolvers<void>();
  const watch = poller.watch(write, "writable", () => resolve());
  await promise;
  watch[Symbol.dispose]();
  await poller.close();
  setBlocking(read, "nonblocking");
  readSome(read, new Uint8Array(1));
  writeSome(write, new Uint8Array(1));
  const child = spawn({
    path: "/bin/true",
    args: [],
    env: [],
    processGroup: "own",
    extra: [read],
  });
  await child.wait();
  closeFd(read);
  closeFd(write);
}
await prime();

class Logger implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "coracle-log-" });
  readonly poller: Poller = openPoller();

  /** @returns when it has said that it is ready */
  async start(driver: string, ...args: readonly string[]): Promise<Running> {
    return await this.#start([this.directory, driver, ...args]);
  }

  /** As `start`, in the bundle of a container: the logger's directory. */
  async startInBundle(driver: string): Promise<Running> {
    const { directory } = this;
    return await this.#start(["--bundle", directory, directory, driver]);
  }

  async #start(args: readonly string[]): Promise<Running> {
    const pipes = [makePipe(), makePipe(), makePipe()] as const;
    const [stdout, stderr, ready] = pipes;
    const child = spawn({
      path: Deno.execPath(),
      args: [
        "run",
        "-A",
        `--config=${ROOT}deno.json`,
        `${ROOT}main.ts`,
        "shim-log",
        ...args,
      ],
      env: [
        ...Object.entries(Deno.env.toObject())
          .map(([name, value]) => `${name}=${value}`),
        "CONTAINER_ID=web",
        "CONTAINER_NAMESPACE=default",
      ],
      stdin: "null",
      stdout: "null",
      processGroup: "own",
      extra: [stdout.read, stderr.read, ready.write],
    });
    for (const fd of [stdout.read, stderr.read, ready.write]) closeFd(fd);
    await this.ready(ready.read, "readable");
    assertEquals(readSome(ready.read, new Uint8Array(1)), 0);
    closeFd(ready.read);
    return { child, stdout: stdout.write, stderr: stderr.write };
  }

  /** @returns when all that comes is shown */
  async attach(): Promise<Deno.UnixConn> {
    const connection = await this.#connect();
    const greeting = await connection.read(new Uint8Array(HEADER_BYTES));
    assertEquals(greeting, HEADER_BYTES);
    return connection;
  }

  async #connect(): Promise<Deno.UnixConn> {
    const path = `${this.directory}/${ATTACH_SOCKET}`;
    return await Deno.connect({ transport: "unix", path });
  }

  /** Settles when nobody can attach any more: nothing more comes. */
  async closed(): Promise<void> {
    for (;;) {
      try {
        (await this.#connect()).close();
      } catch {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Writes all of it as fast as the logger reads. */
  async write(fd: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    setBlocking(fd, "nonblocking");
    for (let rest = bytes; rest.length > 0;) {
      const count = writeSome(fd, rest);
      if (count === "again") await this.ready(fd, "writable");
      else rest = rest.subarray(count === "broken" ? rest.length : count);
    }
  }

  async ready(fd: number, how: Interest): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _watch = this.poller.watch(fd, how, () => resolve());
    await promise;
  }

  async text(driver: string): Promise<string> {
    const settings = { driver, options: {} };
    const ref = { directory: this.directory, id: "web", settings };
    const entries = createLocalLogs().read(background(), ref, {
      follow: "stop",
    });
    let text = "";
    for await (const { stream, bytes } of entries) {
      text += `${stream} ${new TextDecoder().decode(bytes)}`;
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.poller.close();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** How much of standard output is shown until the end. */
async function shown(connection: Deno.UnixConn): Promise<number> {
  const frames = new FrameReader();
  const buffer = new Uint8Array(64 * 1024);
  let total = 0;
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return total;
    for (const { bytes } of frames.push(buffer.subarray(0, count))) {
      total += bytes.length;
    }
  }
}

interface Running {
  readonly child: Child;
  readonly stdout: number;
  readonly stderr: number;
}

Deno.test("shimLog() keeps what comes on 3 and 4, then runs the command", async () => {
  await using logger = new Logger();
  const done = `${logger.directory}/done`;
  const { child, stdout, stderr } = await logger.start(
    "local",
    "max-size=1m",
    "--",
    "/usr/bin/touch",
    done,
  );
  writeSome(stdout, encoder.encode("one\ntwo"));
  closeFd(stdout);
  writeSome(stderr, encoder.encode("error\n"));
  closeFd(stderr);
  assertEquals(await child.wait(), { kind: "exited", code: 0 });
  const text = await logger.text("local");
  for (const line of ["stdout one\n", "stdout two", "stderr error\n"]) {
    assert(text.includes(line), text);
  }
  // Nobody waits for the command: it appears when it does.
  for await (const _event of changes(logger.directory, done)) break;
});

/** Once if it is there, else when something happens in the directory. */
async function* changes(directory: string, path: string) {
  using watcher = Deno.watchFs(directory);
  const isThere = () => Deno.stat(path).then(() => true, () => false);
  while (!await isThere()) {
    for await (const _event of watcher) break;
  }
  yield path;
}

Deno.test("shimLog() ends when it is told to, and keeps what was written", async () => {
  await using logger = new Logger();
  const { child, stdout, stderr } = await logger.start("json-file");
  writeSome(stdout, encoder.encode("before\n"));
  Deno.kill(child.pid, "SIGTERM");
  assertEquals(await child.wait(), { kind: "exited", code: 0 });
  closeFd(stdout);
  closeFd(stderr);
  assertEquals(await logger.text("json-file"), "stdout before\n");
});

Deno.test("shimLog() told to end when its input has, still shows the rest", async () => {
  await using logger = new Logger();
  const { child, stdout, stderr } = await logger.startInBundle("local");
  using client = await logger.attach();
  const pid = String(await ended());
  await Deno.writeTextFile(`${logger.directory}/init.pid`, pid);
  const size = 3_000_000;
  await logger.write(stdout, new Uint8Array(size).fill(10));
  for (const fd of [stdout, stderr]) closeFd(fd);
  await logger.closed();
  // Shims close its input, and tell it to end then.
  Deno.kill(child.pid, "SIGTERM");
  assertEquals(await shown(client), size);
  assertEquals(await child.wait(), { kind: "exited", code: 0 });
});

/** Number of a process that has ended. */
async function ended(): Promise<number> {
  const child = spawn({
    ...{ path: "/bin/true", args: [], env: [] },
    processGroup: "own",
  });
  await child.wait();
  return child.pid;
}

for (const driver of ["json-file", "local"]) {
  Deno.test(`shimLog() killed, leaves whole entries of ${driver}; the next goes on`, async () => {
    await using logger = new Logger();
    const { child, stdout, stderr } = await logger.start(driver);
    for (let number = 0; number < 150_000;) {
      let lines = "";
      const next = number + 500;
      while (number < next) lines += `line ${number++}\n`;
      await logger.write(stdout, encoder.encode(lines));
    }
    Deno.kill(child.pid, "SIGKILL");
    await child.wait();
    closeFd(stdout);
    closeFd(stderr);
    const kept = await logger.text(driver);
    const lines = kept.split("\n").slice(0, -1);
    assert(lines.length > 1000, `${lines.length}`);
    lines.forEach((line, at) => assertEquals(line, `stdout line ${at}`));

    const next = await logger.start(driver);
    writeSome(next.stderr, encoder.encode("next\n"));
    closeFd(next.stdout);
    closeFd(next.stderr);
    await next.child.wait();
    assertEquals(await logger.text(driver), `${kept}stderr next\n`);
  });
}
