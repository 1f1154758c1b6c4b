/**
 * A program that serves at the socket that is handed over to it (descriptor
 * 3), and answers with what it is asked, until it is told to stop.
 */

import { serveGrpc } from "../server.ts";
import { grpcService } from "../service.ts";
import { EchoDefinition, NO_HANDLERS } from "../testing.ts";

const FIRST_DESCRIPTOR = 3;

const echo = grpcService(EchoDefinition, {
  ...NO_HANDLERS,
  once: (_call, request) => Promise.resolve(request),
  async *converse(_call, requests) {
    yield* requests;
  },
});

const server = await serveGrpc({
  addresses: [{ descriptor: FIRST_DESCRIPTOR }],
  services: [echo],
});

async function stop(): Promise<never> {
  await server.stop(0);
  Deno.exit(server.connections === 0 ? 0 : 1);
}

Deno.addSignalListener("SIGTERM", () => void stop());
