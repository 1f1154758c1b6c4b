/** How long the daemon takes to stop while clients hold calls open. */

import { assert, assertEquals } from "@std/assert";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
  type WriteContentResponse,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { StreamingDefinition } from "../proto/gen/containerd/services/streaming/v1/streaming.ts";
import { TasksDefinition } from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { JournalDefinition } from "../proto/gen/coracle/events/v1/journal.ts";
import { EngineError } from "../src/base/errors.ts";
import { digestOf } from "../src/base/hash.ts";
import { hasContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { until } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

const ignore = !hasContainerd();

/** Of five seconds that calls are given which need them. */
const PROMPT_MS = 3_000;

/** Code of the error that a call ends with. */
async function endOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    return EngineError.from(error).code;
  }
}

/** @returns how many milliseconds that took */
async function stop(daemon: Daemon): Promise<number> {
  const begin = performance.now();
  assertEquals(await daemon.stop("SIGTERM"), 0, daemon.log());
  return performance.now() - begin;
}

async function* never<T>(...first: readonly T[]): AsyncGenerator<T> {
  yield* first;
  await new Promise(() => {});
}

Deno.test({
  name: "the daemon stops at once for those who listen and wait",
  ignore,
  async fn() {
    await using daemon = await openDaemon();
    const root = `${daemon.dir}/rootfs`;
    writeBusyboxRoot(root);
    const command = ["--rootfs", root, "buoy", "/bin/sleep", "300"];
    await daemon.expectCtr("run", "-d", ...command);
    const listening = daemon.ctr("events");
    const events = daemon.stub(EventsDefinition).subscribe({ filters: [] });
    const subscribed = endOf(Array.fromAsync(events));
    const waited = endOf(
      daemon.stub(TasksDefinition).wait({ containerId: "buoy", execId: "" }, {
        metadata: daemon.headers,
      }),
    );
    const journal = daemon.stub(JournalDefinition)
      .read({ filters: [], after: 0n, follow: true });
    const read = endOf(Array.fromAsync(journal));
    await until("the calls are open", () => callsOf(daemon) >= 4);
    const ms = await stop(daemon);
    assert(ms < PROMPT_MS, `It took ${Math.round(ms)} ms`);
    assertEquals(await subscribed, "unavailable");
    assertEquals(await waited, "unavailable");
    assertEquals(await read, "unavailable");
    assertEquals((await listening).code, 1);
    await daemon.start();
    const { stdout } = await daemon.ctr("tasks", "ls");
    assert(/^buoy\s+\d+\s+RUNNING/m.test(stdout), stdout);
    await daemon.ctr("tasks", "delete", "--force", "buoy");
    await daemon.expectCtr("containers", "rm", "buoy");
  },
});

Deno.test("the daemon does not wait for streams on which nothing comes", async () => {
  await using daemon = await openDaemon();
  const data = new Uint8Array(1000).fill(7);
  const first = WriteContentRequest.fromPartial({
    ...{ action: WriteAction.WRITE, ref: "half", data, total: 2000n },
  });
  const content = daemon.stub(ContentDefinition);
  const options = { metadata: daemon.headers };
  const answers = content.write(never(first), options)[Symbol.asyncIterator]();
  assertEquals((await answers.next()).value?.offset, 1000n);
  const written = endOf(answers.next());
  const streamed = endOf(
    Array.fromAsync(daemon.stub(StreamingDefinition).stream(never(), options)),
  );
  await until("the calls are open", () => callsOf(daemon) >= 2);
  const ms = await stop(daemon);
  assert(ms < PROMPT_MS, `It took ${Math.round(ms)} ms`);
  assertEquals(await written, "unavailable");
  assertEquals(await streamed, "unavailable");
  // What was written is not lost.
  await daemon.start();
  const { status } = await content.status({ ref: "half" }, options);
  assertEquals(status?.offset, 1000n);
});

Deno.test("the daemon lets streams end on which something comes", async () => {
  await using daemon = await openDaemon();
  const piece = new Uint8Array(1000).fill(7);
  const go = Promise.withResolvers<void>();
  async function* slowly() {
    const step = { action: WriteAction.WRITE, ref: "slow", data: piece };
    yield WriteContentRequest.fromPartial(step);
    await go.promise;
    for (let count = 1; count < 8; count++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const offset = BigInt(count * piece.length);
      yield WriteContentRequest.fromPartial({ ...step, offset });
    }
    yield WriteContentRequest.fromPartial({
      ...{ action: WriteAction.COMMIT, offset: 8000n },
    });
  }
  const options = { metadata: daemon.headers };
  let last: WriteContentResponse | undefined;
  const writing = (async () => {
    const content = daemon.stub(ContentDefinition);
    for await (last of content.write(slowly(), options));
  })();
  await until("it has begun", () => last !== undefined);
  const stopping = daemon.stop("SIGTERM");
  await until("it stops", () => daemon.log().includes(`msg="Stopping"`));
  go.resolve();
  await writing;
  assertEquals(last?.digest, await digestOf(new Uint8Array(8000).fill(7)));
  assertEquals(await stopping, 0);
});

/** Open ones, as the daemon tells when it is asked by a signal. */
function callsOf(daemon: Daemon): number {
  Deno.kill(daemon.pid, "SIGUSR1");
  const told = [...daemon.log().matchAll(/ calls=(\d+)/g)];
  return Number(told.at(-1)?.[1] ?? 0);
}
