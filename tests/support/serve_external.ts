/** What programs behind `[proxy_plugins]` have in common. */

import type { GrpcCall } from "../../src/rpc/grpc/method.ts";
import { serveGrpc } from "../../src/rpc/grpc/server.ts";
import type { GrpcMethod, GrpcService } from "../../src/rpc/grpc/service.ts";

/** Serves until standard input ends. */
export async function serveExternal(
  path: string,
  services: readonly GrpcService[],
): Promise<void> {
  // What was killed has left its socket.
  await Deno.remove(path).catch(() => {});
  await using _server = await serveGrpc({
    addresses: [{ path, mode: 0o600 }],
    services,
  });
  await Deno.stdout.write(new TextEncoder().encode("ready\n"));
  for await (const _ of Deno.stdin.readable) {
    // Nothing is asked of it here.
  }
}

/** Daemons need not say for whom they ask. */
export function withoutNamespaces(
  { name, methods }: GrpcService,
): GrpcService {
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
