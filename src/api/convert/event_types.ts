/** Which message of containerd's tells of what. */

import * as container from "../../../proto/gen/containerd/events/container.ts";
import * as content from "../../../proto/gen/containerd/events/content.ts";
import * as image from "../../../proto/gen/containerd/events/image.ts";
import * as namespace from "../../../proto/gen/containerd/events/namespace.ts";
import * as sandbox from "../../../proto/gen/containerd/events/sandbox.ts";
import * as snapshot from "../../../proto/gen/containerd/events/snapshot.ts";
import * as task from "../../../proto/gen/containerd/events/task.ts";

/** Of a message's bytes; its fields depend on the message. */
export interface EventCodec {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  fromPartial(fields: object): object;
}

/** Topic → type, and the message of that type. */
const EVENTS: readonly (readonly [string, string, unknown])[] = [
  ["/containers/create", "ContainerCreate", container.ContainerCreate],
  ["/containers/update", "ContainerUpdate", container.ContainerUpdate],
  ["/containers/delete", "ContainerDelete", container.ContainerDelete],
  ["/content/create", "ContentCreate", content.ContentCreate],
  ["/content/delete", "ContentDelete", content.ContentDelete],
  ["/images/create", "ImageCreate", image.ImageCreate],
  ["/images/update", "ImageUpdate", image.ImageUpdate],
  ["/images/delete", "ImageDelete", image.ImageDelete],
  ["/namespaces/create", "NamespaceCreate", namespace.NamespaceCreate],
  ["/namespaces/update", "NamespaceUpdate", namespace.NamespaceUpdate],
  ["/namespaces/delete", "NamespaceDelete", namespace.NamespaceDelete],
  ["/sandboxes/create", "SandboxCreate", sandbox.SandboxCreate],
  ["/sandboxes/start", "SandboxStart", sandbox.SandboxStart],
  ["/sandboxes/exit", "SandboxExit", sandbox.SandboxExit],
  ["/snapshot/prepare", "SnapshotPrepare", snapshot.SnapshotPrepare],
  ["/snapshot/commit", "SnapshotCommit", snapshot.SnapshotCommit],
  ["/snapshot/remove", "SnapshotRemove", snapshot.SnapshotRemove],
  ["/tasks/create", "TaskCreate", task.TaskCreate],
  ["/tasks/start", "TaskStart", task.TaskStart],
  ["/tasks/exit", "TaskExit", task.TaskExit],
  ["/tasks/delete", "TaskDelete", task.TaskDelete],
  ["/tasks/oom", "TaskOOM", task.TaskOOM],
  ["/tasks/exec-added", "TaskExecAdded", task.TaskExecAdded],
  ["/tasks/exec-started", "TaskExecStarted", task.TaskExecStarted],
  ["/tasks/paused", "TaskPaused", task.TaskPaused],
  ["/tasks/resumed", "TaskResumed", task.TaskResumed],
  ["/tasks/checkpointed", "TaskCheckpointed", task.TaskCheckpointed],
];

const TYPES = new Map(
  EVENTS.map(([topic, type]) => [topic, `${packageOf(topic)}.${type}`]),
);

const CODECS = new Map(
  EVENTS.map(([topic, type, codec]) => [
    `${packageOf(topic)}.${type}`,
    codec as EventCodec,
  ]),
);

/** Images' are declared elsewhere, and their name says so. */
function packageOf(topic: string): string {
  return topic.startsWith("/images/")
    ? "containerd.services.images.v1"
    : "containerd.events";
}

/** Undefined for a topic that is none of containerd's. */
export function typeOfTopic(topic: string): string | undefined {
  return TYPES.get(topic);
}

export function codecOf(typeUrl: string): EventCodec | undefined {
  return CODECS.get(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
}
