import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { createLocalLogs } from "../../drivers/logs_local/logs.ts";
import { openClock } from "../../sys/clock.ts";
import { setBlocking, writeSome } from "../../sys/descriptors.ts";
import { mountOne, unmount } from "../../sys/mount.ts";
import { openPoller } from "../../sys/poller.ts";
import { createReaper } from "../../sys/reaper.ts";
import { startLogProgram } from "./log_program.ts";
import type { LogWriter } from "./log_writer.ts";
import { openLog } from "./open_log.ts";

const encoder = new TextEncoder();
const TMPFS = { type: "tmpfs", source: "tmpfs", options: ["size=64k"] };
const line = (number: number) => encoder.encode(`line ${number}\n`);

class LogDirectory implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "coracle-log-" });
  readonly errors: unknown[] = [];

  open(
    driver: string,
    options: Record<string, string> = {},
    journalSocket?: string,
  ): LogWriter {
    const files = {
      directory: this.path,
      id: "0123456789abcdef",
      namespace: "default",
    };
    return openLog({ driver, options }, files, {
      report: (error) => this.errors.push(error),
      ...journalSocket === undefined ? {} : { journalSocket },
    });
  }

  async text(driver: string, options: Record<string, string> = {}) {
    const entries = createLocalLogs().read(background(), {
      directory: this.path,
      id: "0123456789abcdef",
      settings: { driver, options },
    }, { follow: "stop" });
    let text = "";
    for await (const { bytes } of entries) {
      text += new TextDecoder().decode(bytes);
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  openClock()();
  await using logger = await openLogger("cat <&3 > /dev/null");
  await logger.finish();
  await assertRejects(() => startUnready());
  assertThrows(() => unmount("/nonexistent", "detach"));
  assertThrows(() => mountOne(TMPFS, "/nonexistent"));
  await using directory = new LogDirectory();
  await collect(directory, (log) => log.write("stdout", line(0)));
}

async function openLogger(script: string) {
  const poller = openPoller();
  const reaper = createReaper();
  const address = `binary:///bin/sh?-c=${
    encodeURIComponent(`exec 5>&-; ${script}`)
  }`;
  const program = await startLogProgram(
    { poller, reaper, env: ["PATH=/usr/bin:/bin"] },
    { kind: "program", address },
    { id: "web", namespace: "testing" },
  );
  setBlocking(program.stdout, "nonblocking");
  return {
    write: (fd: "stdout" | "stderr", text: string) =>
      writeSome(program[fd], encoder.encode(text)),
    finish: () => program.finish(10_000),
    async [Symbol.asyncDispose]() {
      program[Symbol.dispose]();
      reaper[Symbol.dispose]();
      await poller.close();
    },
  };
}

/** A program that keeps its descriptor 5 open. */
async function startUnready(): Promise<void> {
  const poller = openPoller();
  using reaper = createReaper();
  const env = ["PATH=/usr/bin:/bin"];
  try {
    await startLogProgram(
      { poller, reaper, env, readyMs: 100 },
      { kind: "program", address: "binary:///bin/sh?-c=exec%20sleep%20100" },
      { id: "web", namespace: "testing" },
    );
  } finally {
    await poller.close();
  }
}

/** Writes to a journal, and gives the datagrams that it got, in hexadecimal. */
async function collect(
  directory: LogDirectory,
  write: (log: LogWriter) => void,
): Promise<readonly string[]> {
  const path = `${directory.path}/socket`;
  const script = `use Socket; $| = 1;
    socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0]));
    print "ready\\n";
    while (defined recv(S, $d, 65536, 0)) {
      print unpack("H*", $d), "\\n";
      exit if $d =~ /last/;
    }`;
  const journal = new Deno.Command("perl", {
    args: ["-e", script, path],
    stdout: "piped",
  }).spawn();
  const lines = journal.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const part of lines) {
    if (text === "") {
      const log = directory.open("journald", {}, path);
      write(log);
      log.write("stdout", encoder.encode("last"));
      log.close();
    }
    text += part;
  }
  await journal.status;
  return text.trimEnd().split("\n").slice(1, -1);
}

await prime();
// A listener for signals ends a moment after it was removed.
await new Promise((resolve) => setTimeout(resolve, 20));

Deno.test("openLog() keeps one file where there may be one", async () => {
  await using directory = new LogDirectory();
  const options = { "max-size": "100b", "max-file": "1" };
  const log = directory.open("json-file", options);
  for (let number = 1; number <= 20; number++) {
    log.write("stdout", line(number));
  }
  log.close();
  const text = await directory.text("json-file", options);
  assert(text.endsWith("line 20\n") && text.length < 30, text);
  assertEquals(directory.errors, []);
});

Deno.test("openLog() keeps nothing for none", async () => {
  await using directory = new LogDirectory();
  const log = directory.open("none");
  log.write("stdout", line(1));
  log.close();
  for await (const { name } of Deno.readDir(directory.path)) {
    assert(false, name);
  }
});

Deno.test("openLog() says what it can't write to", async () => {
  await using directory = new LogDirectory();
  const error = assertThrows(
    () => directory.open("journald", {}, `${directory.path}/nothing`),
    EngineError,
  );
  assertEquals(error.code, "failedPrecondition");
  const logger = assertThrows(
    () => directory.open("binary:///bin/logger"),
    EngineError,
  );
  assertEquals(logger.code, "invalidArgument");
});

Deno.test("openLog() sends the journal docker's fields", async () => {
  await using directory = new LogDirectory();
  const messages = await collect(directory, (log) => {
    log.write("stderr", encoder.encode("a=b\n"));
    log.write("stdout", encoder.encode(`${"x".repeat(16 * 1024)}yz\n`));
  });
  const texts = messages.map((hex) =>
    new TextDecoder().decode(
      Uint8Array.from(
        hex.match(/../g) ?? [],
        (digits) => Number.parseInt(digits, 16),
      ),
    )
  );
  const common = "CONTAINER_ID=0123456789ab\n" +
    "CONTAINER_ID_FULL=0123456789abcdef\nCONTAINER_NAMESPACE=default\n" +
    "CONTAINER_TAG=0123456789ab\nSYSLOG_IDENTIFIER=0123456789ab\n";
  assertEquals(texts, [
    `MESSAGE=a=b\nPRIORITY=3\n${common}`,
    `MESSAGE=${"x".repeat(16 * 1024)}\nPRIORITY=6\n${common}` +
    "CONTAINER_PARTIAL_MESSAGE=true\n",
    `MESSAGE=yz\nPRIORITY=6\n${common}`,
  ]);
  assertEquals(directory.errors, []);
});

for (const driver of ["json-file", "local"]) {
  Deno.test({
    name: `openLog() goes on when a full disk has room again, of ${driver}`,
    ignore: Deno.uid() !== 0,
    async fn() {
      await using directory = new LogDirectory();
      mountOne(TMPFS, directory.path);
      using _mounted = {
        [Symbol.dispose]: () => unmount(directory.path, "detach"),
      };
      const log = directory.open(driver);
      await Deno.writeFile(`${directory.path}/ballast`, new Uint8Array(30_000));
      let number = 0;
      while (directory.errors.length === 0) log.write("stdout", line(++number));
      const lost = number;
      await Deno.remove(`${directory.path}/ballast`);
      log.write("stdout", line(++number));
      log.close();
      const lines = (await directory.text(driver)).trimEnd().split("\n");
      const expected = Array.from(
        { length: number },
        (_, at) => `line ${at + 1}`,
      )
        .filter((text) => text !== `line ${lost}`);
      assertEquals(lines, expected);
    },
  });
}

Deno.test("startLogProgram() gives the program the container's streams", async () => {
  await using directory = new LogDirectory();
  const out = `${directory.path}/out`;
  await using logger = await openLogger(
    `{ echo $CONTAINER_ID $CONTAINER_NAMESPACE; cat <&3; cat <&4; } > ${out}`,
  );
  logger.write("stdout", "one\n");
  logger.write("stderr", "two\n");
  await logger.finish();
  assertEquals(await Deno.readTextFile(out), "web testing\none\ntwo\n");
});

Deno.test("startLogProgram() throws when the program does not get ready", async () => {
  await assertRejects(
    () => startUnready(),
    EngineError,
    "does not say it is ready",
  );
});
