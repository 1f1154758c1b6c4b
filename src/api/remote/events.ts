/** What happens in another process. */

import { EventsDefinition } from "../../../proto/gen/containerd/services/events/v1/events.ts";
import { JournalDefinition } from "../../../proto/gen/coracle/events/v1/journal.ts";
import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type {
  EngineEvent,
  EventExchange,
  SubscribeOptions,
} from "../../core/event.ts";
import { throughSocket } from "../../core/through_socket.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromEnvelope, toEvent } from "../convert/events.ts";
import { answered } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/**
 * Containerd's wire knows no sequence numbers: ours count what this connection
 * hears and says, but for what our own daemon's journal has.
 */
export function remoteEvents(
  client: GrpcClient,
  now: () => Date,
): EventExchange {
  const events = client.stub(EventsDefinition);
  let sequence = 0;
  return {
    async publish(ctx, topic, event, at = now()) {
      const { namespace } = ctx;
      const any = toEvent(topic, event);
      const envelope = {
        ...{ namespace, topic, timestamp: at },
        event: { typeUrl: any.typeUrl, value: any.value },
      };
      await events.forward({ envelope }, call(ctx));
      return { sequence: ++sequence, timestamp: at, namespace, topic, event };
    },
    async *subscribe(ctx, options = {}) {
      const { filters = [], sinceSequence, follow } = options;
      if (sinceSequence !== undefined) {
        yield* readJournal(client, ctx, { ...options, sinceSequence });
        return;
      }
      // Of what has not happened yet, nothing is here.
      if (follow === "stop") return;
      const request = { filters: [...filters] };
      try {
        for await (const envelope of events.subscribe(request, call(ctx))) {
          yield fromEnvelope(envelope, ++sequence);
        }
      } catch (error) {
        // To end so is what the signal is for.
        if (!ctx.signal.aborted) throw error;
      }
    },
  };
}

/** @throws {ThroughSocketError} if the daemon has none */
async function* readJournal(
  client: GrpcClient,
  ctx: Context,
  { filters = [], sinceSequence, follow }:
    & SubscribeOptions
    & Required<Pick<SubscribeOptions, "sinceSequence">>,
): AsyncGenerator<EngineEvent> {
  const request = {
    filters: [...filters],
    after: BigInt(sinceSequence),
    follow: follow !== "stop",
  };
  try {
    const journal = client.stub(JournalDefinition).read(request, call(ctx));
    for await (const { sequence, envelope } of journal) {
      yield fromEnvelope(answered(envelope, "event"), Number(sequence));
    }
  } catch (error) {
    if (hasCode(error, "unimplemented")) {
      throw throughSocket("replay events", "Only our own daemon keeps them");
    }
    // To end so is what the signal is for.
    if (!ctx.signal.aborted) throw error;
  }
}
