import { assertEquals } from "@std/assert";
import type { AttachOutput } from "../src/core/keeper.ts";
import {
  collect,
  openKeeperBundles,
  primeKeeper,
  sending,
  until,
} from "./support/keeper_bundles.ts";

await primeKeeper();

const ignore = Deno.uid() !== 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore, fn });

const END = { kind: "endOfStdin" } as const;

test("Keeper.attach() shows both streams to all, and the end", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "read line; echo got $line; echo bad >&2; exit 5",
    settings: { stdin: "open" },
  });
  await keeper.launch(ctx, request);
  const watching = collect(
    keeper.attach(ctx, { id: "one", stdin: "none" }, sending("ignored\n")),
  );
  const typing = collect(
    keeper.attach(ctx, { id: "one", stdin: "send" }, sending("this\n")),
  );
  const expected = { stdout: "got this\n", stderr: "bad\n", exitCode: 5 };
  assertEquals(await watching, expected);
  assertEquals(await typing, expected);
  assertEquals(kept.log(request).includes("got this\n"), true);
});

test("Keeper.attach() ends the container's input with the client's", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const lines = "a line of text\n".repeat(20_000);
  const request = await kept.make("one", {
    script: "wc -c",
    settings: { stdin: "open" },
  });
  await keeper.launch(ctx, request);
  const { stdout } = await collect(
    keeper.attach(ctx, { id: "one", stdin: "send" }, sending(lines, END)),
  );
  assertEquals(Number(stdout), lines.length);
});

test("Keeper.attach() gives a terminal its size, input and end of file", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "read line; stty size; cat; exit 6",
    settings: { stdio: "terminal", stdin: "open" },
  });
  await keeper.launch(ctx, request);
  const size = { kind: "size", columns: 91, rows: 17 } as const;
  const { stdout, exitCode } = await collect(
    keeper.attach(
      ctx,
      { id: "one", stdin: "send" },
      sending(size, "go\n", "last\n", END),
    ),
  );
  assertEquals(stdout.includes("17 91\r\n"), true);
  assertEquals(stdout.includes("last\r\n"), true);
  assertEquals(exitCode, 6);
});

test("Keeper.attach() sends nothing to a terminal whose input is closed", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "read -t 1 line; echo got=$line",
    settings: { stdio: "terminal", stdin: "closed" },
  });
  await keeper.launch(ctx, request);
  const { stdout } = await collect(
    keeper.attach(ctx, { id: "one", stdin: "send" }, sending("secret\n")),
  );
  assertEquals(stdout, "got=\r\n");
});

for (const stdio of ["streams", "terminal"] as const) {
  test(`Keeper.attach() loses nothing of 32 MiB through ${stdio}`, async () => {
    await using kept = await openKeeperBundles();
    const { keeper, ctx } = kept;
    const request = await kept.make("one", {
      script: "tr '\\0' x < /dev/zero | head -c 33554432",
      settings: { stdio, log: { driver: "none", options: {} } },
    });
    await keeper.launch(ctx, { ...request, output: "held" });
    const outputs = keeper.attach(
      ctx,
      { id: "one", stdin: "none" },
      sending(),
    );
    let bytes = 0;
    for await (const output of outputs) {
      if (output.kind !== "exit") bytes += output.bytes.length;
    }
    assertEquals(bytes, 32 * 1024 ** 2);
  });
}

test("Keeper drains output that nobody reads", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "head -c 16777216 /dev/zero; exit 7",
    settings: { log: { driver: "none", options: {} } },
  });
  await keeper.launch(ctx, request);
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 7);
});

/** A client that takes one message and then no more. */
async function stall(outputs: AsyncIterable<AttachOutput>) {
  const iterator = outputs[Symbol.asyncIterator]();
  await iterator.next();
  return iterator;
}

const WRITER = "i=0; while [ $i -lt 100 ]; do " +
  "head -c 100000 /dev/zero; i=$((i+1)); done; exit 8";

test("Keeper.attach() holds a container up for a slow client, but not its end", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: WRITER,
    settings: { log: { driver: "none", options: {} } },
  });
  const pid = await keeper.launch(ctx, { ...request, output: "held" });
  const client = await stall(
    keeper.attach(ctx, { id: "one", stdin: "none" }, sending()),
  );
  await until(() => isBlockedOnPipe(pid));
  assertEquals(kept.status(request).state, "running");
  Deno.kill(pid, "SIGKILL");
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 137);
  let last: AttachOutput | undefined;
  for (;;) {
    const next = await client.next();
    if (next.done) break;
    last = next.value;
  }
  assertEquals(last?.kind, "exit");
});

test("Keeper.attach() lets the container go on when a slow client has gone", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: WRITER,
    settings: { log: { driver: "none", options: {} } },
  });
  const pid = await keeper.launch(ctx, { ...request, output: "held" });
  const leaving = new AbortController();
  const client = await stall(
    keeper.attach(
      { ...ctx, signal: leaving.signal },
      { id: "one", stdin: "none" },
      sending(),
    ),
  );
  await until(() => isBlockedOnPipe(pid));
  leaving.abort();
  await client.return?.();
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 8);
});

/** Twice the same amount written, by the children of a shell. */
function isBlockedOnPipe(shell: number): boolean {
  try {
    const [child = ""] = Deno
      .readTextFileSync(`/proc/${shell}/task/${shell}/children`).split(" ");
    return Deno.readTextFileSync(`/proc/${child}/wchan`).includes("pipe");
  } catch {
    return false;
  }
}

test("Keeper does not wait for others who have the container's pipes", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "(while :; do echo still; done) & exit 9",
    pids: "host",
  });
  await keeper.launch(ctx, request);
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 9);
  assertEquals(await kept.settled(), []);
});

for (const stdio of ["streams", "terminal"] as const) {
  test(`Keeper.attach() shows what ended before, if it was held (${stdio})`, async () => {
    await using kept = await openKeeperBundles();
    const { keeper, ctx } = kept;
    const request = await kept.make("one", {
      script: "echo hi; exit 3",
      settings: { stdio },
    });
    await keeper.launch(ctx, { ...request, output: "held" });
    await until(() => kept.status(request).state === "stopped");
    const seen = await collect(
      keeper.attach(ctx, { id: "one", stdin: "none" }, sending()),
    );
    assertEquals([seen.stdout.trim(), seen.exitCode], ["hi", 3]);
    assertEquals(kept.log(request).includes("hi"), true);
  });
}
