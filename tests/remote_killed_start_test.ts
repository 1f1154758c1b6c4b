/** A command that is killed when it has made a task, before it starts that. */

import { assertEquals } from "@std/assert";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { sleep } from "../src/base/sleep.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { PROGRAM } from "./support/program.ts";
import {
  commandBundles,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";

/** Not every command can be caught. */
const TRIES = 40;

/** From the record's update on: then it asks for the task. */
const FIRST_DELAY_MS = 20;

/** In which a task is created that was asked for. */
const CREATION_MS = 3_000;

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `what coracle --address run made can be removed in ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await using events = await listen(store);
      for (const flags of [[], ["--detach"]]) {
        await t.step(
          ["run", ...flags].join(" "),
          () => removed(store, events, flags),
        );
      }
    },
  });
}

async function removed(
  store: RemoteStore,
  events: Events,
  flags: readonly string[],
): Promise<void> {
  let delayMs = FIRST_DELAY_MS;
  for (let tries = 0; tries < TRIES; tries++) {
    const state = await killAtCreation(store, events, flags, delayMs);
    await store.ok("rm", "-f", "web");
    assertEquals(await ctr(store, "containers", "ls", "-q"), "");
    assertEquals(await ctr(store, "tasks", "ls", "-q"), "");
    await until(
      "the end of its bundle",
      async () => (await commandBundles(store)).length === 0,
    );
    if (state === "CREATED") return;
    delayMs *= state === "NONE" ? 1.5 : 0.8;
  }
  throw new Error("It was never killed in between");
}

/**
 * It is stopped while the daemon creates the task, so that it can't start that.
 * @returns what became of the task, in ctr's words; `NONE` if it was too early
 */
async function killAtCreation(
  store: RemoteStore,
  events: Events,
  flags: readonly string[],
  delayMs: number,
): Promise<string> {
  const updated = events.next("/containers/update");
  const created = events.next("/tasks/create");
  const [program, ...args] = PROGRAM;
  const child = new Deno.Command(program, {
    args: [
      ...args,
      ...store.flags,
      ...["run", "--name", "web", ...flags, REMOTE_IMAGE, "sleep", "1000"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await updated;
  const late = new AbortController();
  await sleep(delayMs, late.signal);
  child.kill("SIGSTOP");
  await Promise.race([created, sleep(CREATION_MS, late.signal)]);
  late.abort();
  child.kill("SIGKILL");
  await child.status;
  const tasks = await ctr(store, "tasks", "ls");
  return /(CREATED|RUNNING|STOPPED)\s*$/.exec(tasks)?.[1] ?? "NONE";
}

async function ctr(
  { address }: RemoteStore,
  ...args: readonly string[]
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ctr", {
    args: ["-a", address, ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals([success, decoder.decode(stderr)], [true, ""]);
  return decoder.decode(stdout);
}

interface Events extends AsyncDisposable {
  next(topic: string): Promise<void>;
}

/** To a daemon, which is known to hear us. */
async function listen(store: RemoteStore): Promise<Events> {
  const client = new GrpcClient({ path: store.address });
  const stop = new AbortController();
  const waiting = new Map<string, () => void>();
  const stream = client.stub(EventsDefinition)
    .subscribe({ filters: [] }, { signal: stop.signal });
  const reading = (async () => {
    for await (const { topic } of stream) waiting.get(topic)?.();
  })().catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  const events: Events = {
    next: (topic) => new Promise((resolve) => waiting.set(topic, resolve)),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
      await client[Symbol.asyncDispose]();
    },
  };
  let isHeard = false;
  const heard = events.next("/namespaces/create").then(() => isHeard = true);
  await until("the first event", async () => {
    await ctr(store, "namespaces", "create", "heard");
    await ctr(store, "namespaces", "remove", "heard");
    return isHeard;
  });
  await heard;
  return events;
}
