/**
 * Content over the daemon, where several calls meet: who writes at the same
 * time, breaks off, goes on after a restart, or reads more than fits a message.
 * What one call answers is compared with containerd's in
 * `daemon_differential_test.ts`.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ContentDefinition,
  ReadContentRequest,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { digestOf } from "../src/base/hash.ts";
import { EngineError } from "../src/base/errors.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";

type WriteFields = Partial<WriteContentRequest>;

const { STAT, WRITE, COMMIT } = WriteAction;
/** Keeps from the collector what the steps write. */
const LEASE = "steps";
const MIB = 1024 * 1024;

Deno.test("content of the daemon", async (t) => {
  await using daemon = await openDaemon();
  await daemon.stub(LeasesDefinition)
    .create({ id: LEASE, labels: {} }, { metadata: daemon.headers });
  for (const [name, run] of Object.entries(STEPS)) {
    await t.step(name, () => run(daemon));
  }
});

const STEPS: Readonly<Record<string, (daemon: Daemon) => Promise<void>>> = {
  async "one at a time writes a ref, and whoever goes makes room"(daemon) {
    const leave = new AbortController();
    const stream = openWrite(daemon, { signal: leave.signal });
    await stream.ask({ action: STAT, ref: "mine" });
    await stream.ask({ action: WRITE, offset: 0n, data: bytes(10) });
    const refused = await assertRejects(
      () => write(daemon, { action: STAT, ref: "mine" }),
      EngineError,
      "mine",
    );
    assertEquals(refused.code, "unavailable");
    leave.abort(new Error("gone"));
    await assertRejects(() => stream.answer());
    const again = await eventually(() =>
      write(daemon, { action: STAT, ref: "mine" })
    );
    assertEquals(again.map(({ offset }) => offset), [10n]);
    await content(daemon).abort({ ref: "mine" }, about(daemon));
  },

  async "an ingest goes on after the daemon was killed"(daemon) {
    const data = bytes(3 * MIB);
    const digest = await digestOf(data);
    const half = data.subarray(0, MIB + 1);
    await write(daemon, {
      ...{ action: WRITE, ref: "long", total: BigInt(data.length) },
      ...{ expected: digest, data: half },
    });
    await daemon.stop("SIGKILL");
    await daemon.start();
    const [at] = await write(daemon, { action: STAT, ref: "long" });
    assertEquals(at?.offset, BigInt(half.length));
    assertEquals(at?.digest, await digestOf(half));
    const rest = data.subarray(half.length);
    const [done] = await write(daemon, {
      ...{ action: COMMIT, ref: "long", expected: digest },
      ...{ offset: BigInt(half.length), data: rest },
    });
    assertEquals(done?.digest, digest);
    assertEquals(await read(daemon, digest), data);
  },

  async "messages of almost 16 MiB, and pieces that fit a message"(daemon) {
    const data = bytes(16 * MIB - 4096);
    const digest = await digestOf(data);
    const [done] = await write(daemon, { action: COMMIT, ref: "large", data });
    assertEquals(done?.digest, digest);
    assertEquals(await read(daemon, digest), data);
    const part = { offset: BigInt(MIB - 3), size: BigInt(MIB + 7) };
    assertEquals(
      await read(daemon, digest, part),
      data.subarray(MIB - 3, 2 * MIB + 4),
    );
  },

  async "many write at once"(daemon) {
    const digests = await Promise.all(
      Array.from({ length: 120 }, async (_, at) => {
        const data = new TextEncoder().encode(`one of many, ${at}`);
        const [done] = await write(daemon, {
          ...{ action: COMMIT, ref: `many-${at}`, data },
          labels: { many: "yes" },
        });
        return done?.digest;
      }),
    );
    const blocks = await Array.fromAsync(
      content(daemon).list({ filters: ["labels.many==yes"] }, about(daemon)),
    );
    assertEquals(blocks.map(({ info }) => info.length), [100, 20]);
    const listed = blocks.flatMap(({ info }) => info.map((it) => it.digest));
    assertEquals(listed.toSorted(), digests.toSorted());
  },

  async "of those who write the same, one does"(daemon) {
    const data = bytes(1000);
    const expected = await digestOf(data);
    const outcomes = await Promise.allSettled(
      Array.from(
        { length: 8 },
        (_, at) =>
          write(daemon, { action: COMMIT, ref: `same-${at}`, expected, data }),
      ),
    );
    const failures = outcomes.filter((it) => it.status === "rejected");
    for (const { reason } of failures) {
      assertEquals(reason.code, "alreadyExists");
    }
    assertEquals(failures.length, 7);
    const { statuses } = await content(daemon)
      .listStatuses({ filters: [] }, about(daemon));
    assertEquals(statuses, []);
  },

  async "who stops reading costs nothing more, and others read on"(daemon) {
    const data = bytes(8 * MIB);
    const [done] = await write(daemon, { action: COMMIT, ref: "slow", data });
    const digest = done?.digest ?? "";
    const request = ReadContentRequest.fromPartial({ digest });
    for (let i = 0; i < 8; i++) {
      for await (const piece of content(daemon).read(request, about(daemon))) {
        assert(piece.data.length > 0);
        break;
      }
    }
    assertEquals(await read(daemon, digest), data);
  },

  async "a lease keeps what is written under it"(daemon) {
    const leases = daemon.stub(LeasesDefinition);
    await leases.create({ id: "hold", labels: {} }, about(daemon));
    const held = {
      metadata: { ...daemon.headers, "containerd-lease": "hold" },
    };
    const data = bytes(77);
    await write(daemon, { action: STAT, ref: "held" }, held);
    const before = await leases.listResources({ id: "hold" }, about(daemon));
    assertEquals(before.resources.map(({ type }) => type), ["ingests"]);
    const step = { action: COMMIT, ref: "held", data };
    const [done] = await write(daemon, step, held);
    const digest = done?.digest ?? "";
    const after = await leases.listResources({ id: "hold" }, about(daemon));
    assert(after.resources.some((it) => it.id === digest));
    await leases.delete({ id: "hold", sync: true }, about(daemon));
    const gone = await assertRejects(
      () => content(daemon).info({ digest }, about(daemon)),
      EngineError,
    );
    assertEquals(gone.code, "notFound");
  },
};

function content(daemon: Daemon) {
  return daemon.stub(ContentDefinition);
}

function about({ headers }: Daemon) {
  return { metadata: { ...headers, "containerd-lease": LEASE } };
}

/** All answers to one message, behind which the stream ends. */
async function write(
  daemon: Daemon,
  step: WriteFields,
  { metadata } = about(daemon),
) {
  const request = WriteContentRequest.fromPartial(step);
  const answers = content(daemon).write(only(request), { metadata });
  return await Array.fromAsync(answers);
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}

/** A stream that asks one thing after the other, and stays open. */
function openWrite(
  daemon: Daemon,
  { signal }: { readonly signal: AbortSignal },
) {
  const waiting = new TransformStream<WriteContentRequest>();
  const writer = waiting.writable.getWriter();
  const options = { ...about(daemon), signal };
  const answers = content(daemon).write(waiting.readable, options);
  const iterator = answers[Symbol.asyncIterator]();
  const answer = () => iterator.next();
  return {
    answer,
    async ask(step: WriteFields) {
      const next = answer();
      await writer.write(WriteContentRequest.fromPartial(step));
      return await next;
    },
  };
}

async function read(
  daemon: Daemon,
  digest: string,
  range: { readonly offset?: bigint; readonly size?: bigint } = {},
): Promise<Uint8Array> {
  const request = ReadContentRequest.fromPartial({ digest, ...range });
  const pieces = content(daemon).read(request, about(daemon));
  const all = await Array.fromAsync(pieces, ({ data }) =>
    new Blob([
      data.slice(),
    ]));
  return await new Blob(all).bytes();
}

/** What is done as soon as the daemon has noticed that somebody is gone. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100;; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Different each time. */
function bytes(length: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(made.subarray(at, at + 65_536));
  }
  return made;
}
