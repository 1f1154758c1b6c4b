import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { closeFd, makePipe, openFifo, readSome } from "./descriptors.ts";
import {
  exitCodeOf,
  isAlive,
  sendSignal,
  spawn,
  type SpawnOptions,
} from "./process.ts";

function shell(script: string, more: Partial<SpawnOptions> = {}) {
  return spawn({
    path: "/bin/sh",
    args: ["-c", script],
    env: ["PATH=/usr/bin:/bin", "WORD=boat"],
    processGroup: "own",
    ...more,
  });
}

// libc's symbols stay open; the sanitizer must not count them to a test.
await shell("exit 0", { stdin: "null" }).wait();
isAlive(Deno.pid);
assertThrows(() => shell("", { path: "/nonexistent" }));
await shell("", { stdout: { fd: 2 }, session: "new" }).wait();
closeFd(-1);
assertThrows(() => readSome(-1, new Uint8Array(1)));

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("spawn() reports the exit code when the child exits", async () => {
  assertEquals(await shell("exit 7").wait(), { kind: "exited", code: 7 });
});

Deno.test("spawn() reports the signal when the child is killed", async () => {
  const status = await shell("kill -9 $$").wait();
  assertEquals(status, { kind: "signalled", signal: 9 });
  assertEquals(exitCodeOf(status), 137);
});

Deno.test("spawn() passes arguments, environment and streams", async () => {
  await withFile(async (file) => {
    const child = shell('echo "$WORD"; cat; echo no >&2', {
      stdin: "null",
      stdout: { file },
      stderr: "null",
    });
    assertEquals(await child.wait(), { kind: "exited", code: 0 });
    assertEquals(await Deno.readTextFile(file), "boat\n");
  });
});

Deno.test("spawn() resets SIGPIPE and the mask when Deno has changed them", async () => {
  await withFile(async (file) => {
    await shell("exec grep -E 'SigBlk|SigIgn' /proc/self/status", {
      stdout: { file },
    }).wait();
    const text = await Deno.readTextFile(file);
    for (const line of text.trim().split("\n")) {
      assertEquals(BigInt("0x" + line.split("\t")[1]) & (1n << 12n), 0n);
    }
    assert(text.includes("SigBlk:\t0000000000000000"));
  });
});

Deno.test("spawn() makes a process group when asked for one", async () => {
  await withFile(async (file) => {
    const child = shell("cut -d' ' -f5 /proc/$$/stat", { stdout: { file } });
    await child.wait();
    assertEquals(Number(await Deno.readTextFile(file)), child.pid);
  });
});

Deno.test("spawn() throws notFound when there is no such program", () => {
  const error = assertThrows(
    () => shell("", { path: "/nonexistent/program" }),
    EngineError,
  );
  assertEquals(error.code, "notFound");
});

Deno.test("sendSignal() ends a child, and is false when it has gone", async () => {
  const child = shell("exec sleep 60");
  assert(isAlive(child.pid));
  assert(sendSignal(child.pid, 15));
  assertEquals(exitCodeOf(await child.wait()), 143);
  assertEquals(sendSignal(child.pid, 15), false);
});

Deno.test("spawn() gives descriptors where asked when they lie in each other's way", async () => {
  await withFile(async (path) => {
    const empty = openFifo(path, "read");
    const { read, write } = makePipe();
    const child = shell("echo out; echo err >&2; echo four >&4; cat <&3", {
      stdin: "null",
      stdout: { fd: write },
      stderr: { fd: write },
      extra: [empty, write],
      cwd: "/",
    });
    closeFd(write);
    assertEquals(await child.wait(), { kind: "exited", code: 0 });
    const buffer = new Uint8Array(100);
    const count = readSome(read, buffer);
    assert(count !== "again");
    const text = new TextDecoder().decode(buffer.subarray(0, count));
    assertEquals(text, "out\nerr\nfour\n");
    closeFd(read);
    closeFd(empty);
  });
});

Deno.test("spawn() swaps the standard streams when each is given as the other", async () => {
  const { read, write } = makePipe();
  const child = shell("echo out; echo err >&2", {
    stdin: "null",
    stdout: { fd: 2 },
    stderr: { fd: write },
    extra: [1, 0, write, read],
  });
  closeFd(write);
  assertEquals(await child.wait(), { kind: "exited", code: 0 });
  const buffer = new Uint8Array(100);
  const count = readSome(read, buffer);
  assert(count !== "again");
  assertEquals(new TextDecoder().decode(buffer.subarray(0, count)), "err\n");
  closeFd(read);
});

Deno.test("spawn() makes a session and starts in a directory when asked", async () => {
  const { read, write } = makePipe();
  const child = shell('echo "$$ $(cut -d " " -f 6 /proc/$$/stat) $PWD"', {
    stdin: "null",
    stdout: { fd: write },
    session: "new",
    cwd: "/usr",
  });
  closeFd(write);
  await child.wait();
  const buffer = new Uint8Array(100);
  const count = readSome(read, buffer);
  assert(count !== "again");
  const text = new TextDecoder().decode(buffer.subarray(0, count));
  assertEquals(text, `${child.pid} ${child.pid} /usr\n`);
  closeFd(read);
});
