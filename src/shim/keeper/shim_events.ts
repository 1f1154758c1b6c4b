/** What is done through the task service, in the words of our own journal. */

import type { ShimEvent } from "../events.ts";
import type { Publish } from "./publish.ts";

/** Of those that a container has while it runs. */
export function publishShimEvent(
  publish: Publish,
  target: Parameters<Publish>[0],
  event: ShimEvent,
): void {
  const { id: containerId } = event;
  const tell = (name: string, fields: Readonly<Record<string, unknown>> = {}) =>
    publish(target, `/tasks/${name}`, { containerId, ...fields });
  switch (event.kind) {
    case "execAdded":
      return tell("exec-added", { execId: event.execId });
    case "execStarted":
      return tell("exec-started", { execId: event.execId, pid: event.pid });
    case "exit":
      return tell("exit", {
        id: event.execId || containerId,
        pid: event.pid,
        exitStatus: event.exit.exitCode,
        exitedAt: event.exit.exitedAt.toISOString(),
      });
    case "checkpointed":
      return tell("checkpointed", { checkpoint: event.path });
    case "paused":
    case "resumed":
      return tell(event.kind);
    default:
      // The rest is told of by whoever starts and ends the container.
  }
}
