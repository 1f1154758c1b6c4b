/**
 * A gRPC server in a process of its own, because what a client does to it might
 * end it: `grpc_server_main.ts SOCKET`. It ends with its standard input, and
 * answers each line there with a line of JSON about itself.
 */

import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { ContentDefinition } from "../../proto/gen/containerd/services/content/v1/content.ts";
import {
  HealthCheckResponse_ServingStatus,
  HealthDefinition,
} from "../../proto/gen/grpc/health/v1/health.ts";
import { EngineError } from "../../src/base/errors.ts";
import type { GrpcHandlers } from "../../src/rpc/grpc/method.ts";
import { serveGrpc } from "../../src/rpc/grpc/server.ts";
import { grpcService } from "../../src/rpc/grpc/service.ts";

const { SERVING } = HealthCheckResponse_ServingStatus;

function say(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}

const nothing = () =>
  Promise.reject(new EngineError("unimplemented", "It is not here"));

/** As many bytes as are asked for, in blocks, and whatever is written. */
const content: GrpcHandlers<typeof ContentDefinition> = {
  info: nothing,
  update: nothing,
  // deno-lint-ignore require-yield -- it fails
  async *list() {
    await nothing();
  },
  delete: nothing,
  async *read(_call, { offset, size }) {
    const data = new Uint8Array(1024 * 1024);
    for (let at = offset; at < offset + size; at += BigInt(data.length)) {
      yield await Promise.resolve({ offset: at, data });
    }
  },
  status: nothing,
  listStatuses: nothing,
  async *write(_call, requests) {
    let offset = 0n;
    for await (const { action, data } of requests) {
      offset += BigInt(data.length);
      yield {
        ...{ action, offset, total: 0n, digest: "" },
        ...{ startedAt: undefined, updatedAt: undefined },
      };
    }
  },
  abort: nothing,
};

const [path = ""] = Deno.args;
await using server = await serveGrpc({
  addresses: [{ path, mode: 0o600 }],
  services: [
    grpcService(VersionDefinition, {
      version: () => Promise.resolve({ version: "1", revision: "2" }),
    }),
    grpcService(HealthDefinition, {
      check: () => Promise.resolve({ status: SERVING }),
      list: () => Promise.resolve({ statuses: {} }),
      async *watch(call) {
        yield { status: SERVING };
        await new Promise((_, reject) =>
          call.signal.addEventListener(
            "abort",
            () => reject(call.signal.reason),
          )
        );
      },
    }),
    grpcService(ContentDefinition, content),
  ],
});
say("ready");
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const _ of lines) {
  const { connections, calls } = server;
  say({ connections, calls, rss: Deno.memoryUsage().rss });
}
