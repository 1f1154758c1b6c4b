/** Moving images. */

import { TransferDefinition } from "../../../proto/gen/containerd/services/transfer/v1/transfer.ts";
import type { Context } from "../../base/context.ts";
import { within } from "../../base/within.ts";
import type { StreamTable } from "../../core/stream.ts";
import type { OnTransferProgress, Transferrer } from "../../core/transfer.ts";
import { ProgressPump } from "../../engine/transfer/progress.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromTransferEnd, toProgress } from "../convert/transfer.ts";
import type { ApiContext } from "./api_context.ts";

export interface TransferServiceDeps {
  readonly transferrer: Transferrer;
  readonly streams: StreamTable;
  readonly context: ApiContext;
}

/** For the last of the progress, to a client that reads slowly. */
const FLUSH_MS = 10_000;

export function transferService(
  { transferrer, streams, context }: TransferServiceDeps,
): GrpcService {
  return grpcService(TransferDefinition, {
    async transfer(call, { source, destination, options }) {
      const ctx = context(call);
      const name = options?.progressStream ?? "";
      await withProgress(ctx, streams, name, async (onProgress) => {
        const from = fromTransferEnd(ctx, streams, source);
        const to = fromTransferEnd(ctx, streams, destination);
        await transferrer.transfer(ctx, from, to, onProgress);
      });
      return {};
    },
  });
}

/** What is told has been sent when the call is answered: nobody waits longer. */
async function withProgress(
  ctx: Context,
  streams: StreamTable,
  name: string,
  work: (onProgress?: OnTransferProgress) => Promise<void>,
): Promise<void> {
  if (name === "") return await work();
  const stream = streams.get(ctx, name);
  const pump = new ProgressPump((progress) =>
    stream.send(ctx, toProgress(progress))
  );
  try {
    await work(pump.tell);
  } finally {
    const sent = pump.idle().then(() => stream.flushed(ctx));
    await within(FLUSH_MS, sent.catch(() => {}));
    stream.close();
  }
}
