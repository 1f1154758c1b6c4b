/** Where shims tell what happened, over ttrpc. */

import { EventsDefinition } from "../../../proto/gen/containerd/services/events/ttrpc/v1/events.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import { type ServedService, service } from "../../rpc/ttrpc/service.ts";

/** An event as a shim forwards it. */
export interface ForwardedEvent {
  /** `/tasks/exit`, … */
  readonly topic: string;
  readonly namespace: string;
  readonly timestamp: Date;
  /** A message of `containerd.events`. */
  readonly event: TypedValue;
}

export function eventsService(
  receive: (event: ForwardedEvent) => void,
): ServedService {
  return service(EventsDefinition, {
    forward(_call, { envelope }) {
      if (envelope?.event === undefined) {
        throw invalidArgument("Cannot forward an event that is not there");
      }
      const { topic, namespace, timestamp, event } = envelope;
      receive({
        topic,
        namespace,
        timestamp: timestamp ?? new Date(0),
        event,
      });
      return Promise.resolve({});
    },
  });
}
