/** A shim's events as containerd names and writes them. */

import * as events from "../../proto/gen/containerd/events/task.ts";
import type { TypedValue } from "../core/container.ts";
import type { ShimEvent } from "../shim/events.ts";

export interface WireEvent {
  /** `/tasks/exit`, … */
  readonly topic: string;
  readonly event: TypedValue;
}

export function encodeShimEvent(event: ShimEvent): WireEvent {
  const containerId = event.id;
  switch (event.kind) {
    case "create":
      return wire("create", "TaskCreate", createBytes(event));
    case "start": {
      const { pid } = event;
      const bytes = events.TaskStart.encode({ containerId, pid }).finish();
      return wire("start", "TaskStart", bytes);
    }
    case "exit":
      return wire("exit", "TaskExit", exitBytes(event));
    case "delete":
      return wire("delete", "TaskDelete", deleteBytes(event));
    case "execAdded": {
      const { execId } = event;
      const bytes = events.TaskExecAdded.encode({ containerId, execId })
        .finish();
      return wire("exec-added", "TaskExecAdded", bytes);
    }
    case "execStarted": {
      const { execId, pid } = event;
      const bytes = events.TaskExecStarted
        .encode({ containerId, execId, pid }).finish();
      return wire("exec-started", "TaskExecStarted", bytes);
    }
    case "paused":
      return wire(
        "paused",
        "TaskPaused",
        events.TaskPaused.encode({ containerId }).finish(),
      );
    case "resumed":
      return wire(
        "resumed",
        "TaskResumed",
        events.TaskResumed.encode({ containerId }).finish(),
      );
    case "oom":
      return wire(
        "oom",
        "TaskOOM",
        events.TaskOOM.encode({ containerId }).finish(),
      );
    case "checkpointed": {
      const checkpoint = event.path;
      const bytes = events.TaskCheckpointed.encode({ containerId, checkpoint })
        .finish();
      return wire("checkpointed", "TaskCheckpointed", bytes);
    }
    default:
      return event satisfies never;
  }
}

function wire(topic: string, type: string, value: Uint8Array): WireEvent {
  return {
    topic: `/tasks/${topic}`,
    event: { typeUrl: `containerd.events.${type}`, value },
  };
}

type EventOf<K extends ShimEvent["kind"]> = ShimEvent & { readonly kind: K };

function createBytes(event: EventOf<"create">): Uint8Array {
  const { id, bundle, rootfs, stdio, checkpoint, pid } = event;
  const { stdin, stdout, stderr, terminal } = stdio;
  return events.TaskCreate.encode(events.TaskCreate.fromPartial({
    containerId: id,
    bundle,
    rootfs: rootfs.map(({ type, source, options }) => ({
      type,
      source,
      options: [...options],
    })),
    io: { stdin, stdout, stderr, terminal },
    checkpoint,
    pid,
  })).finish();
}

function exitBytes({ id, execId, pid, exit }: EventOf<"exit">): Uint8Array {
  return events.TaskExit.encode({
    containerId: id,
    id: execId === "" ? id : execId,
    pid,
    exitStatus: exit.exitCode,
    exitedAt: exit.exitedAt,
  }).finish();
}

function deleteBytes({ id, pid, exit }: EventOf<"delete">): Uint8Array {
  return events.TaskDelete.encode({
    containerId: id,
    pid,
    exitStatus: exit.exitCode,
    exitedAt: exit.exitedAt,
    id: "",
  }).finish();
}
