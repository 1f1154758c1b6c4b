/** Shims that are not ours, with what they need of this program. */

import { background } from "../base/context.ts";
import type { EventExchange } from "../core/event.ts";
import type { Host } from "../core/host.ts";
import type {
  BundleStore,
  ForeignTasks,
  StartRequest,
  TaskRef,
} from "../core/task.ts";
import { createShimManager } from "../drivers/shim_manager/manager.ts";
import type { ForwardedEvent } from "../drivers/shim_manager/wire.ts";
import { bundlePath } from "../runtime/bundles.ts";
import { startError } from "../runtime/start_failure.ts";
import type { StorePaths } from "./paths.ts";
import { bundleOfCommands } from "./remote/commands_bundle.ts";
import { isPacked, selfCommand } from "./self.ts";
import { createShimWire } from "./shim_wire.ts";

export interface ForeignShimOptions {
  readonly host: Host;
  readonly bundles: BundleStore;
  readonly events: EventExchange;
  readonly paths: StorePaths;
}

export function createForeignShims(
  { host, bundles, events, paths }: ForeignShimOptions,
): ForeignTasks {
  return createShimManager({
    host,
    bundles,
    state: paths.state,
    wire: createShimWire(),
    env: () =>
      Object.entries(Deno.env.toObject())
        .map(([name, value]) => `${name}=${value}`),
    now: () => new Date(),
    startErrors: startError,
    // Events come over a socket; only an executable could be called so.
    publishBinary: isPacked() ? Deno.execPath() : "/bin/false",
    logCommand: (task, request) => logCommand(paths, task, request),
    otherBundle: (task) => bundleOfCommands(paths, task),
    receive: (event) => void publish(events, event),
  });
}

/** Also sees to what is left to do when the container has ended. */
function logCommand(
  { root, state }: StorePaths,
  { namespace, id }: TaskRef,
  { logDirectory, settings: { log } }: StartRequest,
): readonly string[] {
  const options = Object.entries(log.options)
    .map(([name, value]) => `${name}=${value}`);
  const store = ["--root", root, "--state", state, "--namespace", namespace];
  return [
    ...[...selfCommand(), "shim-log"],
    ...["--bundle", bundlePath(state, { namespace, id })],
    ...[logDirectory, log.driver, ...options],
    ...["--", ...selfCommand(), ...store, "system", "reconcile", id],
  ];
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
