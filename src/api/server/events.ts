/** What happens, told to whoever wants to know. */

import { EventsDefinition } from "../../../proto/gen/containerd/services/events/v1/events.ts";
import { invalidArgument } from "../../base/errors.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import type { Logger } from "../../base/log.ts";
import type { EventExchange } from "../../core/event.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { requireAny } from "../convert/any.ts";
import { fromEvent, toEnvelope } from "../convert/events.ts";
import { apiContext, tenantlessContext } from "./api_context.ts";

export interface EventsServiceDeps {
  readonly events: EventExchange;
  /** Where subscribers listen. */
  readonly listened: Pick<EventExchange, "subscribe">;
  readonly log: Logger;
}

export function eventsService(
  { events, listened, log }: EventsServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  const anybody = tenantlessContext(log);
  return grpcService(EventsDefinition, {
    async publish(call, { topic, event }) {
      const fields = fromEvent(topic, requireAny(event, "an event"));
      await events.publish(ctx(call), topic, fields);
      return {};
    },
    async forward(call, { envelope }) {
      const { namespace = "", topic = "", timestamp, event } = envelope ?? {};
      checkIdentifier("namespace", namespace);
      if (timestamp === undefined) {
        throw invalidArgument("Cannot forward an event without its time");
      }
      const fields = fromEvent(topic, requireAny(event, "an event"));
      const there = { ...anybody(call), namespace };
      await events.publish(there, topic, fields, timestamp);
      return {};
    },
    async *subscribe(call, { filters }) {
      for await (const it of listened.subscribe(anybody(call), { filters })) {
        yield toEnvelope(it);
      }
    },
  });
}
