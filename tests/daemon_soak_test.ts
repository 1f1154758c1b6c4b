/**
 * What clients do to the daemon on purpose or by dying: it answers the others
 * all the while, keeps nothing, and does not end.
 *
 * CORACLE_SOAK=1 makes it ten times as much.
 */

import { assert, assertEquals } from "@std/assert";
import { ContainersDefinition } from "../proto/gen/containerd/services/containers/v1/containers.ts";
import {
  ContentDefinition,
  ReadContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { buildExecutable } from "./support/executable.ts";
import { HABITS, misbehave, reset, streamOf } from "./support/http2_habits.ts";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  goAway,
  message,
  RawHttp2,
  window,
} from "./support/raw_http2.ts";

const TIMES = Deno.env.get("CORACLE_SOAK") === "1" ? 10 : 1;
const MIB = 1024 * 1024;

const VERSION = "/containerd.services.version.v1.Version/Version";
const WATCH = "/grpc.health.v1.Health/Watch";
const READ = "/containerd.services.content.v1.Content/Read";
const SUBSCRIBE = "/containerd.services.events.v1.Events/Subscribe";

interface State {
  readonly rss: number;
  readonly calls: number;
  readonly sockets: number;
}

async function stateOf(daemon: Daemon): Promise<State> {
  const { code, stdout, stderr } = await daemon.call("debug", "info");
  assertEquals(code, 0, `${stderr}\n${daemon.log()}`);
  const { memory, calls, descriptors } = JSON.parse(stdout);
  return {
    rss: memory.rss,
    calls: calls.length,
    sockets: descriptors.socket,
  };
}

/** Waits until no call is open and no connection is left. */
async function settled(daemon: Daemon, sockets: number): Promise<State> {
  for (let tries = 0;; tries++) {
    const state = await stateOf(daemon);
    if (state.calls === 0 && state.sockets <= sockets) return state;
    assert(tries < 40, `something is left: ${JSON.stringify(state)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function report(what: string, before: State, after: State): void {
  if (TIMES === 1) return;
  const [from, to] = [before.rss, after.rss].map((it) => (it / MIB).toFixed(1));
  const line = `${what}: memory ${from} MiB before, ${to} MiB after\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

Deno.test("the daemon answers 10,000 calls of all kinds on few connections", async () => {
  await using daemon = await openDaemon();
  const before = await stateOf(daemon);
  const calls = 2_500 * TIMES;
  const { headers } = daemon;
  const lane = async (at: number) => {
    await using client = new GrpcClient({ path: daemon.address });
    const version = client.stub(VersionDefinition);
    const containers = client.stub(ContainersDefinition);
    const events = client.stub(EventsDefinition);
    for (let call = 0; call < calls; call++) {
      const id = `c${at}-${call}`;
      if (call % 10 === 0) {
        const container = { ...RECORD, id };
        await containers.create({ container }, { metadata: headers });
      } else if (call % 10 === 1) {
        const deleted = { id: `c${at}-${call - 1}` };
        await containers.delete(deleted, { metadata: headers });
      } else if (call % 10 === 2) {
        const enough = new AbortController();
        const { signal } = enough;
        const happenings = events.subscribe({ filters: [] }, { signal });
        const first = Array.fromAsync(happenings).catch((error) => error);
        await version.version({});
        enough.abort("enough");
        assertEquals(await first, "enough");
      } else if (call % 10 === 3) {
        const missing = containers.get({ id }, { metadata: headers });
        const code = await missing.then(() => "", (error) => error.code);
        assertEquals(code, "notFound");
      } else assert((await version.version({})).version !== "");
    }
  };
  await Promise.all([lane(0), lane(1), lane(2), lane(3)]);
  const after = await settled(daemon, before.sockets);
  report(`${4 * calls} calls`, before, after);
  assert(after.rss < before.rss + 150 * MIB, `it has ${after.rss} bytes`);
});

const RECORD = {
  ...{ labels: {}, image: "", snapshotter: "", snapshotKey: "" },
  ...{ createdAt: undefined, updatedAt: undefined },
  ...{ extensions: {}, sandbox: "" },
  runtime: { name: "io.containerd.runc.v2", options: undefined },
  spec: {
    typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
    value: new TextEncoder().encode("{}"),
  },
};

Deno.test("the daemon outlives thousands of connections that break", async () => {
  await using daemon = await openDaemon();
  const before = await stateOf(daemon);
  const version = daemon.stub(VersionDefinition);
  let isDone = false;
  let answered = 0;
  const others = async () => {
    for (; !isDone; answered++) {
      await version.version({}, { timeoutMs: 10_000 });
    }
  };
  const calling = others();
  const connections = 3_000 * TIMES;
  await Promise.race([misbehave(daemon.address, connections), calling]);
  isDone = true;
  await calling;
  assert(answered > 100, `only ${answered} calls were answered`);
  const after = await settled(daemon, before.sockets + 1);
  report(`${connections} bad connections`, before, after);
  assert(after.rss < before.rss + 200 * MIB, `it has ${after.rss} bytes`);
});

Deno.test("the daemon lets one connection cancel thousands of calls, and say GOAWAY", async () => {
  await using daemon = await openDaemon();
  const before = await stateOf(daemon);
  const calls = 3_000 * TIMES;
  {
    using client = await RawHttp2.connect(daemon.address);
    for (let call = 0; call < calls; call++) {
      const stream = streamOf(call);
      await client.call(stream, [VERSION, WATCH, SUBSCRIBE][call % 3] ?? "");
      await client.send(reset(stream));
      // Thousands in one breath are an attack, which is refused.
      if (call % 200 === 199) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    await client.send(goAway());
    await client.call(streamOf(calls), VERSION);
    assert(await client.ended(1));
  }
  const after = await settled(daemon, before.sockets);
  report(`${calls} cancelled calls`, before, after);
  assert(after.rss < before.rss + 150 * MIB, `it has ${after.rss} bytes`);
});

Deno.test("the daemon keeps little for those who read content slowly, or not at all", async () => {
  await using daemon = await openDaemon();
  const digest = await written(daemon, 64 * MIB);
  const before = await stateOf(daemon);
  const request = ReadContentRequest.encode({ digest, offset: 0n, size: 0n })
    .finish();
  const slow = await Promise.all(Array.from({ length: 16 }, async () => {
    const client = await RawHttp2.connect(daemon.address);
    await client.send(
      frame(FRAME.headers, {
        flags: END_HEADERS,
        stream: 1,
        payload: callHeaders(READ, daemon.headers),
      }),
      frame(FRAME.data, {
        flags: END_STREAM,
        stream: 1,
        payload: message(request),
      }),
      // Only the socket holds it up.
      window(1, 1024 * MIB),
    );
    return client;
  }));
  const version = daemon.stub(VersionDefinition);
  let answered = 0;
  for (const end = Date.now() + 1_500; Date.now() < end; answered++) {
    await version.version({}, { timeoutMs: 10_000 });
  }
  assert(answered > 100, `only ${answered} calls were answered`);
  const during = await stateOf(daemon);
  assertEquals(during.calls, slow.length);
  report("16 slow readers", before, during);
  assert(during.rss < before.rss + 150 * MIB, `it has ${during.rss} bytes`);
  for (const client of slow) client[Symbol.dispose]();
  await settled(daemon, before.sockets + 1);
});

/** @returns the digest of so many bytes that are now in the daemon's store */
async function written(daemon: Daemon, bytes: number): Promise<string> {
  const data = new Uint8Array(bytes);
  const hash = await crypto.subtle.digest("SHA-256", data);
  const digest = `sha256:${new Uint8Array(hash).toHex()}`;
  const common = { ref: "r", total: BigInt(bytes), labels: {} };
  async function* requests() {
    for (let offset = 0; offset < bytes; offset += MIB) {
      yield await Promise.resolve({
        ...{ ...common, action: 1 as const, offset: BigInt(offset) },
        ...{ expected: "", data: data.subarray(offset, offset + MIB) },
      });
    }
    yield {
      ...{ ...common, action: 2 as const, offset: BigInt(bytes) },
      ...{ expected: digest, data: new Uint8Array() },
    };
  }
  const content = daemon.stub(ContentDefinition);
  const { headers: metadata } = daemon;
  await Array.fromAsync(content.write(requests(), { metadata }));
  return digest;
}

/** How many objects of each class are in the daemon's memory. */
async function objectsOf(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  const path = `${daemon.dir}/a.heapsnapshot`;
  const { code, stderr } = await daemon.call("debug", "heap", "-o", path);
  assertEquals(code, 0, stderr);
  const { snapshot, nodes, strings } = JSON.parse(
    await Deno.readTextFile(path),
  );
  const { node_fields: { length }, node_types: [types] } = snapshot.meta;
  const counts = new Map<string, number>();
  for (let node = 0; node < nodes.length; node += length) {
    if (types[nodes[node]] !== "object") continue;
    const name = strings[nodes[node + 1]];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

Deno.test("the daemon forgets connections that have ended, however they did", async () => {
  await using daemon = await openDaemon();
  // Each habit forty times.
  await misbehave(daemon.address, 40 * Object.keys(HABITS).length);
  await settled(daemon, Infinity);
  const objects = await objectsOf(daemon);
  for (const name of ["Socket", "ServerHttp2Session", "ServerHttp2Stream"]) {
    const count = objects.get(name) ?? 0;
    assert(count < 30, `${count} objects of class ${name} are left`);
  }
});

Deno.test("the daemon in the executable gives back what calls left in memory", async () => {
  await using executable = await buildExecutable();
  await using daemon = await openDaemon({ executable: executable.path });
  const { rss: idle } = await stateOf(daemon);
  const version = daemon.stub(VersionDefinition);
  // Also when it has just done so.
  for (const burst of ["first", "second"]) {
    for (let call = 0; call < 5_000; call++) await version.version({});
    const least = await leastRss(daemon.pid, 1.3 * idle);
    const had = `it keeps ${least} bytes after the ${burst}, had ${idle}`;
    assert(least <= 1.3 * idle, had);
  }
});

/** In ten seconds, or until it is small enough. */
async function leastRss(pid: number, enough: number): Promise<number> {
  let least = Infinity;
  // Two seconds after the last call, and not at once.
  for (let waited = 0; waited < 10_000 && least > enough; waited += 500) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    least = Math.min(least, rss);
  }
  return least;
}
