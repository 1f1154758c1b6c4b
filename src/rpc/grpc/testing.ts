/** A service that echoes, its server and its client, for tests. */

import { assert, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { GrpcClient } from "./client.ts";
import type { GrpcHandlers, GrpcStub } from "./method.ts";
import { type GrpcServer, serveGrpc } from "./server.ts";
import { grpcService } from "./service.ts";

const AnyCodec = Any as typeof Any;
const message = { requestType: AnyCodec, responseType: AnyCodec };

export const EchoDefinition = {
  fullName: "coracle.test.Echo",
  methods: {
    once: {
      name: "Once",
      ...message,
      requestStream: false,
      responseStream: false,
    },
    repeat: {
      name: "Repeat",
      ...message,
      requestStream: false,
      responseStream: true,
    },
    gather: {
      name: "Gather",
      ...message,
      requestStream: true,
      responseStream: false,
    },
    converse: {
      name: "Converse",
      ...message,
      requestStream: true,
      responseStream: true,
    },
  },
} as const;

export type Echo = GrpcHandlers<typeof EchoDefinition>;

const unused = () => Promise.reject(new Error("not expected"));
async function* unusedStream(): AsyncGenerator<Any> {
  yield await unused();
}

export const NO_HANDLERS: Echo = {
  once: unused,
  repeat: unusedStream,
  gather: unused,
  converse: unusedStream,
};

export function any(typeUrl: string, bytes = 0): Any {
  return { typeUrl, value: new Uint8Array(bytes) };
}

export const KIB = 1024;
export const MIB = 1024 * KIB;

export interface Rig extends AsyncDisposable {
  readonly path: string;
  readonly server: GrpcServer;
  readonly client: GrpcClient;
  readonly echo: ReturnType<typeof stubOf>;
}

export function stubOf(
  client: GrpcClient,
): GrpcStub<typeof EchoDefinition> {
  return client.stub(EchoDefinition);
}

export async function rig(handlers: Partial<Echo>): Promise<Rig> {
  const stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const path = `${directory}/s`;
  const service = grpcService(EchoDefinition, { ...NO_HANDLERS, ...handlers });
  const server = stack.use(
    await serveGrpc({
      addresses: [{ path, mode: 0o600 }],
      services: [service],
    }),
  );
  const client = stack.use(new GrpcClient({ path }));
  return {
    path,
    server,
    client,
    echo: stubOf(client),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(values);
}

/** Until it holds; a test that waits in vain fails by its own time limit. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 500, `it never held: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function* forever(value: Any): AsyncGenerator<Any> {
  for (;;) yield await Promise.resolve(value);
}
