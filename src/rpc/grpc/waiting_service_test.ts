/** Calls of a service that is not loaded yet, at a socket that is handed over. */

import { assert, assertEquals } from "@std/assert";
import { GrpcClient } from "./client.ts";
import { type GrpcServer, serveGrpc } from "./server.ts";
import { any, EchoDefinition, failure, stubOf, until } from "./testing.ts";

interface Waiting extends AsyncDisposable {
  readonly path: string;
  readonly server: GrpcServer;
  readonly echo: ReturnType<typeof stubOf>;
}

async function serveNothingYet(): Promise<Waiting> {
  const stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const path = `${directory}/s`;
  const listener = Deno.listen({ transport: "unix", path });
  const load = () => new Promise<never>(() => {});
  const server = stack.use(
    await serveGrpc({
      addresses: [{ listener }],
      services: [{ name: EchoDefinition.fullName, load }],
    }),
  );
  const client = stack.use(new GrpcClient({ path }));
  return {
    ...{ path, server },
    echo: stubOf(client),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a call does not wait for its service beyond its deadline", async () => {
  await using it = await serveNothingYet();
  const options = { timeoutMs: 30 };
  const { code } = await failure(it.echo.once(any("q"), options));
  assertEquals(code, "deadlineExceeded");
  await until(() => it.server.calls === 0);
});

Deno.test("a server that stops does not wait for services", async () => {
  await using it = await serveNothingYet();
  const failing = failure(it.echo.once(any("q")));
  await until(() => it.server.calls === 1);
  await it.server.stop(0);
  assertEquals((await failing).code, "unavailable");
});

Deno.test("a socket that is handed over is closed and removed", async () => {
  await using it = await serveNothingYet();
  assert((await Deno.lstat(it.path)).isSocket);
  await it.server.stop(0);
  const gone = await Deno.lstat(it.path).then(() => false, () => true);
  assert(gone);
});
