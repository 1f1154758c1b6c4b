/** A command that is killed when it has made a task, before it starts that. */

import { assertEquals } from "@std/assert";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { PROGRAM } from "./support/program.ts";
import {
  commandBundles,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";

/** It is over in a moment, in which not every command can be caught. */
const TRIES = 40;

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
  for (let tries = 0; tries < TRIES; tries++) {
    const state = await killAtCreation(store, events, flags);
    await store.ok("rm", "-f", "web");
    assertEquals(await ctr(store, "containers", "ls", "-q"), "");
    assertEquals(await ctr(store, "tasks", "ls", "-q"), "");
    await until(
      "the end of its bundle",
      async () => (await commandBundles(store)).length === 0,
    );
    if (state === "CREATED") return;
  }
  throw new Error("It was never killed in between");
}

/** @returns what became of the task, in ctr's words */
async function killAtCreation(
  store: RemoteStore,
  events: Events,
  flags: readonly string[],
): Promise<string | undefined> {
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
  await created;
  child.kill("SIGKILL");
  await child.status;
  const tasks = await ctr(store, "tasks", "ls");
  return /(CREATED|RUNNING|STOPPED)\s*$/.exec(tasks)?.[1];
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
