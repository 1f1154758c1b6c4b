/**
 * Our daemon beside containerd: how long small calls take, and how fast content
 * goes in and out. Bytes are carried by `ctr`, which is neither's own.
 */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import {
  type Bench,
  type BenchOptions,
  milliseconds,
  pairs,
  ratioRow,
  type Row,
  type Sample,
} from "./bench.ts";
import { openContainerdApi, openCoracleApi } from "./api_daemons.ts";

const CONTENT_BYTES = 256 * 1024 * 1024;
const CALLS = 500;
const CALL_PAIRS = 8;
const CONTENT_PAIRS = 4;
const MOST_SECONDS = 120;

export const bench: Bench = { name: "api", run };

async function run({ coracle, say }: BenchOptions): Promise<readonly Row[]> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-bench-api-" });
  try {
    await using ours = await openCoracleApi(`${dir}/o`, coracle);
    await using theirs = await openContainerdApi(`${dir}/t`);
    const both = [ours.address, theirs.address] as const;
    return [...await calls(both, say), ...await content(dir, both, say)];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

type Addresses = readonly [ours: string, theirs: string];
type Say = BenchOptions["say"];

const REFERENCE = "containerd";
const metadata = { "containerd-namespace": "bench" };

async function calls(both: Addresses, say: Say): Promise<readonly Row[]> {
  const [path, theirPath] = both;
  await using ours = new GrpcClient({ path });
  await using theirs = new GrpcClient({ path: theirPath });
  for (const client of [ours, theirs]) await addContainer(client);
  const rows: Row[] = [];
  for (const [name, call] of Object.entries(SMALL_CALLS)) {
    say(`${name}, ${CALL_PAIRS} pairs of ${CALLS} calls`);
    const many = async (client: GrpcClient) => {
      for (let i = 0; i < CALLS; i++) await call(client);
    };
    const samples = await pairs(
      CALL_PAIRS,
      () => many(ours),
      () => many(theirs),
    );
    const what = `${name}, ${CALLS} times`;
    rows.push(ratioRow(samples, { what, reference: REFERENCE, bar: 2.5 }));
  }
  return rows;
}

const SMALL_CALLS: Readonly<
  Record<string, (client: GrpcClient) => Promise<unknown>>
> = {
  "the version": (client) => client.stub(VersionDefinition).version({}),
  "a container's record": (client) =>
    client.stub(ContainersDefinition).get({ id: "one" }, { metadata }),
};

async function addContainer(client: GrpcClient): Promise<void> {
  const { requestType } = ContainersDefinition.methods.create;
  const request = requestType.fromPartial({
    container: {
      id: "one",
      runtime: { name: "io.containerd.runc.v2" },
      spec: { typeUrl: "bench", value: new TextEncoder().encode("{}") },
    },
  });
  await client.stub(ContainersDefinition).create(request, { metadata });
}

async function content(
  dir: string,
  both: Addresses,
  say: Say,
): Promise<readonly Row[]> {
  say(`content of 256 MiB by ctr, ${CONTENT_PAIRS} pairs`);
  const file = `${dir}/content`;
  await makeFile(file);
  const written: Sample[] = [];
  const gotten: Sample[] = [];
  for (let round = 0; round <= CONTENT_PAIRS; round++) {
    const digest = await freshen(file);
    const label = "containerd.io/gc.root=yes";
    const put = `ingest --expected-digest ${digest} ${digest}`;
    const write = await oneEach(both, (to) => ctr(to, put, file));
    for (const to of both) await ctr(to, `label ${digest} ${label}`, file);
    const read = await oneEach(both, (of) => ctr(of, `get ${digest}`, file));
    for (const to of both) await ctr(to, `rm ${digest}`, file);
    if (round === 0) continue; // Whoever is first finds nothing warm.
    written.push(write);
    gotten.push(read);
  }
  const row = (what: string) => ({ what, reference: REFERENCE, bar: 2 });
  return [
    ratioRow(written, row("ctr content ingest of 256 MiB")),
    ratioRow(gotten, row("ctr content get of 256 MiB")),
  ];
}

async function oneEach(
  [ours, theirs]: Addresses,
  action: (address: string) => Promise<void>,
): Promise<Sample> {
  const first = await milliseconds(() => action(ours));
  return { first, second: await milliseconds(() => action(theirs)) };
}

async function ctr(
  address: string,
  command: string,
  input: string,
): Promise<void> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `timeout ${MOST_SECONDS} ctr -a "$0" -n bench content ${command} ` +
      `< "$1" > /dev/null`,
      ...[address, input],
    ],
  }).output();
  if (code === 0) return;
  const text = new TextDecoder().decode(stderr);
  throw new Error(`Cannot run "ctr content ${command}": ${text}`);
}

async function makeFile(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  const block = new Uint8Array(65_536);
  crypto.getRandomValues(block);
  for (let at = 0; at < CONTENT_BYTES; at += block.length) {
    await file.write(block);
  }
}

/** Makes it content that nobody has; @returns its digest */
async function freshen(path: string): Promise<string> {
  {
    using file = await Deno.open(path, { write: true });
    await file.write(crypto.getRandomValues(new Uint8Array(32)));
  }
  const { stdout } = await new Deno.Command("sha256sum", { args: [path] })
    .output();
  const [hex] = new TextDecoder().decode(stdout).split(" ");
  return `sha256:${hex}`;
}
