/** What is left of a task whose shim was killed: as real containerd has it. */

import { assert, assertEquals } from "@std/assert";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { TasksDefinition } from "../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { fromEvent } from "../src/api/convert/events.ts";
import { EngineError } from "../src/base/errors.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { processesWith, until } from "./support/processes.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = !hasContainerd();
const NAMESPACE = "dead";
const ID = "k";
const METADATA = { "containerd-namespace": NAMESPACE };

interface Side {
  readonly directory: string;
  readonly address: string;
  /** The process that keeps the task. */
  readonly shim: () => number;
}

/** What one can see of a task after its shim has been killed. */
interface Aftermath {
  readonly events: readonly unknown[];
  /** Code of an error for each verb. */
  readonly verbs: Readonly<Record<string, string>>;
  readonly listed: readonly string[];
}

async function ctr({ address }: Side, ...args: readonly string[]) {
  const { success, stderr } = await new Deno.Command("timeout", {
    args: ["60", "ctr", "-a", address, "-n", NAMESPACE, ...args],
    stdin: "null",
  }).output();
  assert(success, `${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function aftermath(side: Side): Promise<Aftermath> {
  await using client = new GrpcClient({ path: side.address });
  const root = `${side.directory}/rootfs`;
  writeBusyboxRoot(root);
  await ctr(side, "run", "-d", "--rootfs", root, ID, "/bin/sleep", "300");
  const init = await pidOf(client);
  await using ends = collectEnds(client);
  const shim = side.shim();
  assert(shim > 0);
  Deno.kill(shim, "SIGKILL");
  await until("the task has gone", () => ends.topics().length >= 2);
  await until("its process has gone", () => !isThere(`/proc/${init}`));
  const again = await verbs(client);
  const { tasks } = await client.stub(TasksDefinition).list({ filter: "" }, {
    metadata: METADATA,
  });
  await ctr(side, "containers", "rm", ID);
  return {
    events: ends.all(init),
    verbs: again,
    listed: tasks.map(({ id }) => id),
  };
}

async function pidOf(client: GrpcClient): Promise<number> {
  const { process } = await client.stub(TasksDefinition).get({
    containerId: ID,
    execId: "",
  }, { metadata: METADATA });
  assert(process !== undefined);
  return process.pid;
}

/** Hears how tasks end. */
function collectEnds(client: GrpcClient) {
  const stop = new AbortController();
  const heard: { readonly topic: string; readonly fields: object }[] = [];
  const filters = ["exit", "delete"].map((it) => `topic=="/tasks/${it}"`);
  const stream = client.stub(EventsDefinition)
    .subscribe({ filters }, { signal: stop.signal });
  const reading = (async () => {
    for await (const { topic, event } of stream) {
      if (event) heard.push({ topic, fields: fromEvent(topic, event) });
    }
  })().catch(() => {});
  return {
    topics: () => heard.map(({ topic }) => topic),
    /** With what differs from run to run as words. */
    all: (init: number) =>
      heard.map(({ topic, fields }) => {
        const { containerId, id, pid, exitStatus, exitedAt } = fields as Record<
          string,
          unknown
        >;
        const whose = pid === init ? "init" : pid;
        const at = typeof exitedAt;
        return { topic, containerId, id, pid: whose, exitStatus, at };
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
    },
  };
}

async function verbs(client: GrpcClient) {
  const tasks = client.stub(TasksDefinition);
  const whose = { containerId: ID, execId: "" };
  const options = { metadata: METADATA };
  return {
    get: await codeOf(tasks.get(whose, options)),
    kill: await codeOf(
      tasks.kill({ ...whose, signal: 9, all: false }, options),
    ),
    wait: await codeOf(tasks.wait(whose, options)),
    delete: await codeOf(tasks.delete(whose, options)),
  };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    return EngineError.from(error).code;
  }
}

Deno.test({
  name:
    "a task whose shim was killed is deleted with exit status 137, as containerd does",
  ignore,
  async fn() {
    await using theirs = await openBareContainerd();
    const { address, directory } = theirs;
    const expected = await aftermath({
      ...{ address, directory },
      // The program's other processes end at once.
      shim: () => processesWith(`-id ${ID} -address ${address}`)[0] ?? 0,
    });
    await using daemon = await openDaemon();
    const bundle = `${daemon.dir}/state/bundles/${NAMESPACE}.${ID}`;
    const answered = await aftermath({
      address: daemon.address,
      directory: daemon.dir,
      shim: () => Number(Deno.readTextFileSync(`${bundle}/shim.pid`)),
    });
    assertEquals(answered, expected);
    assertEquals(answered.verbs.delete, "notFound");
    assertEquals(isThere(`${bundle}/config.json`), false);
  },
});
