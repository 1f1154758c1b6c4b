/** What is written by `shim/logs` is read back from its files. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { LogSettings } from "../../core/container_settings.ts";
import type { LogEntry, ReadLogOptions } from "../../core/logs.ts";
import { openLog } from "../../shim/logs/open_log.ts";
import { createLocalLogs } from "./logs.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ID = "0123456789abcdef";
const START_NS = 1_769_860_800_000_000_000n;
const SECOND_NS = 1_000_000_000n;

class TestLog implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "coracle-log-" });
  readonly settings: LogSettings;
  /** Each write is one second after the last. */
  ns = START_NS;

  constructor(settings: LogSettings) {
    this.settings = settings;
  }

  open() {
    return openLog(
      this.settings,
      { directory: this.directory, id: ID, namespace: "default" },
      { now: () => this.ns += SECOND_NS, report: fail },
    );
  }

  /** Writes lines `line FROM` to `line TO`, one second after each other. */
  lines(from: number, to: number): void {
    const log = this.open();
    for (let number = from; number <= to; number++) {
      log.write("stdout", encoder.encode(`line ${number}\n`));
    }
    log.close();
  }

  read(options: Partial<ReadLogOptions> = {}, ctx = background()) {
    const { directory, settings } = this;
    const ref = { directory, id: ID, settings };
    return createLocalLogs().read(ctx, ref, { follow: "stop", ...options });
  }

  async text(options: Partial<ReadLogOptions> = {}): Promise<string> {
    let text = "";
    for await (const { bytes } of this.read(options)) {
      text += decoder.decode(bytes);
    }
    return text;
  }

  path(suffix = ""): string {
    return this.settings.driver === "local"
      ? `${this.directory}/local-logs/container.log${suffix}`
      : `${this.directory}/${ID}-json.log${suffix}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function fail(error: unknown): never {
  throw error;
}

function numbered(from: number, to: number): string {
  let text = "";
  for (let number = from; number <= to; number++) text += `line ${number}\n`;
  return text;
}

const time = (second: number) =>
  new Date(Number((START_NS + BigInt(second) * SECOND_NS) / 1_000_000n));

for (const driver of ["json-file", "local"]) {
  // For some four entries.
  const maxBytes = driver === "local" ? 120 : 300;
  const tiny = { "max-size": `${maxBytes}b`, "max-file": "4" };

  Deno.test(`read() gives what was written, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: {} });
    const writer = log.open();
    writer.write("stdout", encoder.encode("one\ntw"));
    writer.write("stderr", encoder.encode("error\n"));
    writer.write("stdout", encoder.encode("o\n\nrest"));
    writer.close();
    const entries: LogEntry[] = [];
    for await (const entry of log.read()) entries.push(entry);
    const at = (second: number) => `2026-01-31T12:00:0${second}.000000000Z`;
    assertEquals(
      entries.map(({ stream, time, bytes }) => [
        stream,
        time,
        decoder.decode(bytes),
      ]),
      [
        ["stdout", at(1), "one\n"],
        ["stderr", at(2), "error\n"],
        ["stdout", at(3), "two\n"],
        ["stdout", at(3), "\n"],
        ["stdout", at(4), "rest"],
      ],
    );
  });

  Deno.test(`read() goes over rotated files, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: tiny });
    log.lines(1, 8);
    const sizes = await Promise.all(
      ["", ".1"].map(async (suffix) =>
        (await Deno.stat(log.path(suffix))).size
      ),
    );
    assert((sizes[1] ?? 0) >= maxBytes, `${sizes}`);
    assertEquals(await log.text(), numbered(1, 8));
    const { directory, settings } = log;
    assertEquals(
      await createLocalLogs().usage(background(), {
        directory,
        id: ID,
        settings,
      }),
      sizes.reduce((sum, size) => sum + size),
    );
    log.lines(9, 100);
    const kept = await log.text();
    assert(kept.endsWith(numbered(95, 100)));
    assertEquals(kept.startsWith("line 1\n"), false);
    await Deno.stat(log.path(".3"));
    await assertRejects(() => Deno.stat(log.path(".4")), Deno.errors.NotFound);
  });

  Deno.test(`read() takes so many from the end, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: tiny });
    assertEquals(await log.text({ tail: 3 }), "");
    log.lines(1, 9);
    for (const tail of [0, 1, 2, 4, 5, 8, 9]) {
      assertEquals(await log.text({ tail }), numbered(10 - tail, 9), `${tail}`);
    }
    assertEquals(await log.text({ tail: 50 }), numbered(1, 9));
  });

  Deno.test(`read() takes what is since and until, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: tiny });
    log.lines(1, 9);
    const since = time(4);
    const until = time(6);
    assertEquals(await log.text({ since }), numbered(4, 9));
    assertEquals(await log.text({ until }), numbered(1, 6));
    assertEquals(await log.text({ since, until }), numbered(4, 6));
    assertEquals(await log.text({ since, until, tail: 5 }), numbered(5, 6));
    assertEquals(await log.text({ since: time(20) }), "");
    assertEquals(await log.text({ until: time(0) }), "");
    assertEquals(await log.text({ until, follow: "wait" }), numbered(1, 6));
  });

  Deno.test(`read() gives no torn entry; the next writer goes on, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: {} });
    log.lines(1, 3);
    const whole = await Deno.readFile(log.path());
    const last = Math.ceil(whole.length * 2 / 3);
    for (let end = last + 1; end < whole.length; end += 7) {
      await Deno.writeFile(log.path(), whole.subarray(0, end));
      assertEquals(await log.text(), numbered(1, 2));
      assertEquals(await log.text({ tail: 1 }), numbered(2, 2));
      assertEquals(await log.text({ tail: 0 }), "");
      log.lines(4, 5);
      assertEquals(await log.text(), numbered(1, 2) + numbered(4, 5));
      assertEquals(await log.text({ tail: 3 }), "line 2\nline 4\nline 5\n");
    }
  });

  Deno.test(`read() follows over rotation until the end, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: tiny });
    log.lines(1, 2);
    const ended = new AbortController();
    const writer = log.open();
    let text = "";
    let count = 2;
    const signal = ended.signal;
    for await (const entry of log.read({ follow: "wait", ended: signal })) {
      text += decoder.decode(entry.bytes);
      if (text !== numbered(1, count)) continue;
      // The reader is waiting, or about to.
      if (count === 60) {
        writer.write("stderr", encoder.encode("rest"));
        writer.close();
        ended.abort();
        continue;
      }
      const next = Math.min(count + 1 + count % 5, 60);
      for (let line = count + 1; line <= next; line++) {
        writer.write("stdout", encoder.encode(`line ${line}\n`));
      }
      count = next;
    }
    assertEquals(text, numbered(1, 60) + "rest");
  });

  Deno.test(`read() ends when its signal fires, of ${driver}`, async () => {
    using log = new TestLog({ driver, options: {} });
    log.lines(1, 2);
    const stop = new AbortController();
    const ctx = background({ signal: stop.signal });
    let text = "";
    const reason = new EngineError("cancelled", "Interrupted");
    const error = await assertRejects(async () => {
      for await (const { bytes } of log.read({ follow: "wait" }, ctx)) {
        text += decoder.decode(bytes);
        if (text === numbered(1, 2)) stop.abort(reason);
      }
    });
    assertEquals(error, reason);
  });

  Deno.test(`read() gives 100 MB whole, of ${driver}`, async () => {
    using log = new TestLog({
      driver,
      options: { "max-size": "40m", "max-file": "9" },
    });
    const writer = log.open();
    const chunk = new Uint8Array(1_000_000);
    for (let at = 0; at < chunk.length; at++) {
      chunk[at] = at % 1000 === 999 ? 10 : 0x30 + (at / 100 + at) % 64;
    }
    for (let count = 0; count < 100; count++) {
      writer.write("stdout", chunk.subarray(0, 999_950));
      writer.write("stdout", chunk.subarray(999_950));
    }
    writer.close();
    let length = 0;
    let isSame = true;
    for await (const { bytes } of log.read()) {
      const from = length % chunk.length;
      const expected = chunk.subarray(from, from + bytes.length);
      isSame &&= bytes.every((byte, at) => byte === expected[at]);
      length += bytes.length;
    }
    assertEquals(length, 100 * chunk.length);
    assert(isSame);
  });
}

Deno.test("read() keeps any bytes, of local", async () => {
  using log = new TestLog({ driver: "local", options: {} });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const writer = log.open();
  for (let at = 0; at < bytes.length; at += 7000) {
    writer.write("stdout", bytes.subarray(at, at + 7000));
  }
  writer.close();
  const read: number[] = [];
  for await (const entry of log.read()) read.push(...entry.bytes);
  assertEquals(Uint8Array.from(read), bytes);
});

Deno.test("read() passes over lines that are no entries, of json-file", async () => {
  using log = new TestLog({ driver: "json-file", options: {} });
  log.lines(1, 1);
  await Deno.writeTextFile(log.path(), "\u0000\u0000{not\n\n[]\n", {
    append: true,
  });
  log.lines(2, 2);
  assertEquals(await log.text(), numbered(1, 2));
});

Deno.test("read() warns of a damaged file and goes on with the next, of local", async () => {
  using log = new TestLog({ driver: "local", options: {} });
  log.lines(1, 3);
  const bytes = await Deno.readFile(log.path());
  const middle = bytes.length / 3;
  bytes.fill(0xff, middle, middle + 8);
  await Deno.writeFile(log.path(".1"), bytes);
  assertEquals(await log.text(), numbered(1, 1) + numbered(1, 3));
});

Deno.test("read() says which drivers can't be read", async () => {
  for (const driver of ["none", "journald", "binary:///bin/logger"]) {
    using log = new TestLog({ driver, options: {} });
    const error = await assertRejects(() => log.text(), EngineError);
    assertEquals(
      error.message,
      "configured logging driver does not support reading",
    );
    assertEquals(error.code, "failedPrecondition");
  }
});
