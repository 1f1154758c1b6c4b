/** Streams that other calls refer to. */

import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { StreamingDefinition } from "../../../proto/gen/containerd/services/streaming/v1/streaming.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { StreamTable } from "../../core/stream.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { StreamInit } from "../convert/transfer_any.ts";
import type { ApiContext } from "./api_context.ts";
import { CallStream } from "./call_stream.ts";

export interface StreamingDeps {
  readonly streams: StreamTable;
  readonly context: ApiContext;
}

/** Tells a client that its stream is known by its name. */
const KNOWN: Any = {
  typeUrl: "google.protobuf.Empty",
  value: new Uint8Array(),
};

export function streamingService(
  { streams, context }: StreamingDeps,
): GrpcService {
  return grpcService(StreamingDefinition, {
    async *stream(call, input) {
      const incoming = input[Symbol.asyncIterator]();
      const name = await nameFrom(incoming);
      const stream = new CallStream(incoming);
      using _open = streams.register(context(call), name, stream);
      yield KNOWN;
      yield* stream.outgoing(call.signal);
    },
  });
}

async function nameFrom(incoming: AsyncIterator<Any>): Promise<string> {
  const { value, done } = await incoming.next();
  const init = done === true ? undefined : StreamInit.unpack(value);
  if (init !== undefined) return init.id;
  throw invalidArgument("Cannot open a stream: its first message names none");
}
