/** Telling an engine what happened to a shim's containers, over ttrpc. */

import { EventsDefinition } from "../../../proto/gen/containerd/services/events/ttrpc/v1/events.ts";
import type { Context } from "../../base/context.ts";
import type { TypedValue } from "../../core/container.ts";
import type { TtrpcClient } from "../../rpc/ttrpc/client.ts";
import { callOptions } from "./call_options.ts";

export interface EventForwarder {
  /** Settles when the engine has it. @param topic `/tasks/exit`, … */
  forward(
    ctx: Context,
    topic: string,
    event: TypedValue,
    timestamp: Date,
  ): Promise<void>;
}

export function remoteEvents(client: TtrpcClient): EventForwarder {
  const events = client.stub(EventsDefinition);
  return {
    async forward(ctx, topic, { typeUrl, value }, timestamp) {
      const { namespace } = ctx;
      const event = { typeUrl, value };
      await events.forward(
        { envelope: { timestamp, namespace, topic, event } },
        callOptions(ctx),
      );
    },
  };
}
