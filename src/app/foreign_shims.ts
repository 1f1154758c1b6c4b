/** Shims that are not ours, with what they need of this program. */

import { background } from "../base/context.ts";
import type { EventExchange } from "../core/event.ts";
import type { Host } from "../core/host.ts";
import type { BundleStore, StartRequest, TaskRef } from "../core/task.ts";
import {
  createShimManager,
  type ShimManager,
} from "../drivers/shim_manager/manager.ts";
import type { ForwardedEvent } from "../drivers/shim_manager/wire.ts";
import { startError } from "../runtime/start_failure.ts";
import { isPacked, selfCommand } from "./self.ts";
import { createShimWire } from "./shim_wire.ts";

export interface ForeignShimOptions {
  readonly host: Host;
  readonly bundles: BundleStore;
  readonly events: EventExchange;
  /** The state directory. */
  readonly state: string;
}

export function createForeignShims(
  { host, bundles, events, state }: ForeignShimOptions,
): ShimManager {
  return createShimManager({
    host,
    bundles,
    state,
    wire: createShimWire(),
    env: () =>
      Object.entries(Deno.env.toObject())
        .map(([name, value]) => `${name}=${value}`),
    now: () => new Date(),
    startErrors: startError,
    // Events come over a socket; only an executable could be called so.
    publishBinary: isPacked() ? Deno.execPath() : "/bin/false",
    logCommand,
    receive: (event) => void publish(events, event),
  });
}

function logCommand(
  _task: TaskRef,
  { logDirectory, settings: { log } }: StartRequest,
): readonly string[] {
  const options = Object.entries(log.options)
    .map(([name, value]) => `${name}=${value}`);
  return [...selfCommand(), "shim-log", logDirectory, log.driver, ...options];
}

/** The engine publishes the rest itself, whoever runs the container. */
const FROM_SHIMS: ReadonlySet<string> = new Set(["/tasks/oom"]);

async function publish(
  events: EventExchange,
  { topic, namespace, event }: ForwardedEvent,
): Promise<void> {
  if (!FROM_SHIMS.has(topic)) return;
  const ctx = background({ namespace });
  try {
    await events.publish(ctx, topic, { type: event.typeUrl });
  } catch {
    // The store is being closed: what shims say then comes too late.
  }
}
