/**
 * A snapshotter as a program of its own:
 * `external_snapshotter_main.ts SOCKET DIRECTORY NAME [LAYER]`. It ends with its
 * standard input. With LAYER, a directory, it has every layer by itself, and
 * each has the files of that directory.
 */

import { serveGrpc } from "../../src/rpc/grpc/server.ts";
import { snapshotsService } from "../../src/api/server/snapshots.ts";
import type { Context } from "../../src/base/context.ts";
import { silentLogger } from "../../src/base/log.ts";
import { openMetadata } from "../../src/drivers/metadata_sqlite/open.ts";
import { createNativeSnapshotter } from "../../src/drivers/snapshot_native/snapshotter.ts";
import type { GrpcCall } from "../../src/rpc/grpc/method.ts";
import type { GrpcMethod, GrpcService } from "../../src/rpc/grpc/service.ts";
import { flatSnapshotter, remoteLayers } from "./external_snapshotter.ts";

const [path = "", directory = "", name = "", layer] = Deno.args;

await Deno.mkdir(directory, { recursive: true });
using metadata = await openMetadata({
  path: `${directory}/meta.db`,
  now: () => new Date(),
  newId: () => crypto.randomUUID(),
  log: silentLogger,
});
const store = flatSnapshotter(createNativeSnapshotter({
  root: `${directory}/snapshots`,
  records: metadata.snapshotRecords(name),
}));

async function fill(ctx: Context, key: string): Promise<void> {
  const [mount] = await store.mounts(ctx, key);
  const args = ["-a", `${layer}/.`, `${mount?.source}`];
  const { success } = await new Deno.Command("cp", { args }).output();
  if (!success) throw new Error(`Cannot copy ${layer}`);
}

/** Daemons need not say for whom they ask. */
function withoutNamespaces({ name, methods }: GrpcService): GrpcService {
  const served = [...methods].map(([name, it]) =>
    [name, forAnybody(it)] as const
  );
  return { name, methods: new Map(served) };
}

function forAnybody(method: GrpcMethod): GrpcMethod {
  const metadata = new Map([["containerd-namespace", "default"]]);
  if (method.kind === "unary") {
    return {
      kind: "unary",
      answer: (call, request) => method.answer({ ...call, metadata }, request),
    };
  }
  return {
    ...method,
    answer: (call: GrpcCall, requests: AsyncIterable<Uint8Array>) =>
      method.answer({ ...call, metadata }, requests),
  };
}

// What was killed has left its socket.
await Deno.remove(path).catch(() => {});
await using _server = await serveGrpc({
  addresses: [{ path, mode: 0o600 }],
  services: [
    withoutNamespaces(snapshotsService({
      snapshotters: new Map([
        [name, layer === undefined ? store : remoteLayers(store, fill)],
      ]),
      log: silentLogger,
    })),
  ],
});
await Deno.stdout.write(new TextEncoder().encode("ready\n"));
for await (const _ of Deno.stdin.readable) {
  // Nothing is asked of it here.
}
