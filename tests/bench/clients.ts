/**
 * What containerd's own client makes of our daemon and of containerd, each on a
 * root of its own: containers run to their end, long lists, and what a daemon
 * holds of memory after many lives.
 */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import {
  type ApiDaemon,
  openContainerdApi,
  openCoracleApi,
} from "./api_daemons.ts";
import {
  type Bench,
  type BenchOptions,
  pairs,
  ratioRow,
  type Row,
  runQuietly,
} from "./bench.ts";
import { IMAGE, makeArchive } from "./life_engines.ts";
import { residentOf } from "./memory.ts";

const RUN_PAIRS = 20;
const RECORDS = 10_000;
const LIST_PAIRS = 20;
const LIVES = 1_000;
/** By which everything has been loaded that lives need. */
const WARM_LIVES = 20;
/** At once, as there are processors on a small machine. */
const LIVES_AT_ONCE = 2;
const IDLE_MS = 5_000;
const MEBIBYTE = 1024 * 1024;
const REFERENCE = "containerd";
/** As long as a real one. */
const SPEC = new TextEncoder().encode(`{"hostname":"${"x".repeat(8_000)}"}`);

export const bench: Bench = { name: "clients", run };

async function run({ coracle, say }: BenchOptions): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-bench-clients-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const archive = await makeArchive(dir);
  const ours = stack.use(await openCoracleApi(`${dir}/o`, coracle));
  const theirs = stack.use(await openContainerdApi(`${dir}/t`));
  for (const daemon of [ours, theirs]) {
    await ctr(daemon, "images", "import", archive);
  }
  return [
    await runs(ours, theirs, say),
    await lists(ours, theirs, say),
    await memory(`${dir}/m`, { coracle, archive, say }),
  ];
}

type Say = BenchOptions["say"];

async function runs(
  ours: ApiDaemon,
  theirs: ApiDaemon,
  say: Say,
): Promise<Row> {
  say(`ctr run --rm, ${RUN_PAIRS} pairs`);
  const samples = await pairs(
    RUN_PAIRS,
    () => live(ours, "one"),
    () => live(theirs, "one"),
  );
  return ratioRow(samples, {
    ...{ what: "ctr run --rm", reference: REFERENCE, bar: 1 },
  });
}

interface MemoryOptions extends BenchOptions {
  readonly archive: string;
}

/** Of a daemon that has done little else. */
async function memory(
  dir: string,
  { coracle, archive, say }: MemoryOptions,
): Promise<Row> {
  await using ours = await openCoracleApi(dir, coracle);
  await ctr(ours, "images", "import", archive);
  for (let life = 0; life < WARM_LIVES; life++) await live(ours, `warm${life}`);
  await idle();
  const before = residentOf(ours.pid);
  say(`${LIVES} lives of containers, ${LIVES_AT_ONCE} at once`);
  const workers = Array.from({ length: LIVES_AT_ONCE }, async (_, worker) => {
    for (let life = worker; life < LIVES; life += LIVES_AT_ONCE) {
      await live(ours, `life${life}`);
    }
  });
  await Promise.all(workers);
  await idle();
  const after = residentOf(ours.pid);
  return {
    what: `daemon: RSS after ${LIVES} lives`,
    measured: mib(after),
    reference: `before them: ${mib(before)}`,
    figure: after / before,
    bar: 1.2,
  };
}

async function lists(
  ours: ApiDaemon,
  theirs: ApiDaemon,
  say: Say,
): Promise<Row> {
  say(`ctr containers ls of ${RECORDS} records, ${LIST_PAIRS} pairs`);
  for (const daemon of [ours, theirs]) await addRecords(daemon);
  const list = (daemon: ApiDaemon) => ctr(daemon, "containers", "ls");
  const samples = await pairs(
    LIST_PAIRS,
    () => list(ours),
    () => list(theirs),
  );
  const what = `ctr containers ls, ${RECORDS} records`;
  return ratioRow(samples, { what, reference: REFERENCE, bar: 1 });
}

async function addRecords({ address }: ApiDaemon): Promise<void> {
  await using client = new GrpcClient({ path: address });
  const stub = client.stub(ContainersDefinition);
  const { requestType } = ContainersDefinition.methods.create;
  const metadata = { "containerd-namespace": "default" };
  for (let number = 0; number < RECORDS; number++) {
    const container = {
      id: `record${number}`,
      image: IMAGE,
      runtime: { name: "io.containerd.runc.v2" },
      spec: { typeUrl: "bench", value: SPEC },
    };
    await stub.create(requestType.fromPartial({ container }), { metadata });
  }
}

function live(daemon: ApiDaemon, id: string): Promise<void> {
  return ctr(daemon, "run", "--rm", IMAGE, id, "true");
}

function ctr(
  { address }: ApiDaemon,
  ...args: readonly string[]
): Promise<void> {
  return runQuietly("ctr", ["--address", address, ...args]);
}

/** Until what is done behind answers has been done. */
async function idle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}

function mib(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
