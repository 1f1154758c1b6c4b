/** What happens in another process. */

import { EventsDefinition } from "../../../proto/gen/containerd/services/events/v1/events.ts";
import type { EventExchange } from "../../core/event.ts";
import { throughSocket } from "../../core/through_socket.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromEnvelope, toEvent } from "../convert/events.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/**
 * The wire knows no sequence numbers: ours count what this connection hears
 * and says.
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
    async *subscribe(ctx, { filters = [], sinceSequence, follow } = {}) {
      if (sinceSequence !== undefined || follow === "stop") {
        throw throughSocket("replay events");
      }
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
