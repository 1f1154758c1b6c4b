import { assertEquals } from "@std/assert";
import {
  closeFd,
  makePipe,
  readSome,
  setBlocking,
  writeSome,
} from "../../sys/descriptors.ts";
import { errno } from "../../sys/libc.ts";
import { openPoller } from "../../sys/poller.ts";
import { type Child, spawn, type SpawnOptions } from "../../sys/process.ts";
import { startCopy } from "./copy.ts";
import type { Endpoint } from "./own_streams.ts";

const MiB = 1024 * 1024;

/** One end of a pipe, as it comes. */
function end(fd: number, kind: Endpoint["kind"]): Endpoint {
  if (kind === "pollable") setBlocking(fd, "nonblocking");
  let isOpen = true;
  return {
    fd,
    kind,
    [Symbol.dispose]() {
      if (isOpen) closeFd(fd);
      isOpen = false;
    },
  };
}

/** `size` bytes of zeros from a child, counted by another one. */
async function copyThrough(size: number, kind: Endpoint["kind"]) {
  const poller = openPoller();
  const input = makePipe();
  const output = makePipe();
  const counted = makePipe();
  const children = [
    shell(`head -c ${size} /dev/zero`, { stdout: { fd: input.write } }),
    shell("wc -c", {
      stdin: { fd: output.read },
      stdout: { fd: counted.write },
    }),
  ];
  for (const fd of [input.write, output.read, counted.write]) closeFd(fd);
  using from = end(input.read, kind);
  const to = end(output.write, kind);
  using copy = startCopy(poller, from, to);
  const reason = await copy.ended;
  to[Symbol.dispose]();
  for (const child of children) await child.wait();
  const text = new Uint8Array(32);
  readSome(counted.read, text);
  closeFd(counted.read);
  await poller.close();
  return { reason, count: parseInt(new TextDecoder().decode(text)) };
}

function shell(
  script: string,
  streams: Pick<SpawnOptions, "stdin" | "stdout">,
): Child {
  return spawn({
    path: "/bin/sh",
    args: ["-c", script],
    env: ["PATH=/usr/bin:/bin"],
    stdin: "null",
    ...streams,
    processGroup: "shared",
  });
}

// libc's symbols stay open; the sanitizer must not count them to a test.
await copyThrough(16 * MiB, "pollable");
await copyThrough(MiB, "shared");
errno();

Deno.test("startCopy() copies all of it", async () => {
  for (const kind of ["pollable", "shared"] as const) {
    const size = kind === "pollable" ? 64 * MiB : 4 * MiB;
    assertEquals(await copyThrough(size, kind), {
      reason: "endOfFile",
      count: size,
    });
  }
});

Deno.test("startCopy() ends when nobody reads any more", async () => {
  const poller = openPoller();
  const input = makePipe();
  const output = makePipe();
  closeFd(output.read);
  using from = end(input.read, "pollable");
  using to = end(output.write, "pollable");
  using copy = startCopy(poller, from, to);
  writeSome(input.write, new Uint8Array(10));
  assertEquals(await copy.ended, "broken");
  closeFd(input.write);
  await poller.close();
});

Deno.test("startCopy() ends when it is disposed, whoever waits", async () => {
  const poller = openPoller();
  const input = makePipe();
  const output = makePipe();
  using from = end(input.read, "pollable");
  using to = end(output.write, "pollable");
  const copy = startCopy(poller, from, to);
  copy[Symbol.dispose]();
  assertEquals(await copy.ended, "stopped");
  closeFd(input.write);
  closeFd(output.read);
  await poller.close();
});
