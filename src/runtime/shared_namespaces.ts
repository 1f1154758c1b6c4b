/**
 * Joining other containers: for the moment in which a runtime reads a spec, the
 * links in its bundle lead to the namespaces of processes that are running.
 */

import { type EngineError, failedPrecondition } from "../base/errors.ts";
import {
  type AskedSharing,
  joinedPath,
  sharedMemoryPath,
} from "../core/shared_paths.ts";
import type { BundleView } from "../core/task.ts";
import type { TaskStatus } from "../core/task_status.ts";
import { closeFd, openToRead } from "../sys/descriptors.ts";
import { viewBundle } from "./bundles.ts";
import { isSameProcess } from "./same_process.ts";
import { isMounted, memorySeenBy, renewMemory } from "./shared_memory.ts";
import { namesIn } from "../sys/names_in.ts";

/** What is about to be started. */
export interface SharingTask {
  /** Path of its bundle, beside which those of the others are. */
  readonly bundle: string;
  readonly namespace: string;
}

const START_IT = "Start that one first: coracle ps -a shows its state";

/**
 * Before each start, for others may have been started anew since the last one.
 * Disposing, once the runtime has left, removes the links; the memory stays
 * until it is unmounted with the root file system.
 * @throws {EngineError} `failedPrecondition`, in docker's words, if another
 * container does not run, or has nothing to share
 */
export function shareNamespaces(
  task: SharingTask,
  { joins, shareable }: AskedSharing,
): Disposable {
  using undo = new DisposableStack();
  const { bundle } = task;
  if (shareable !== undefined) renewMemory(bundle, shareable.shmBytes);
  if (joins?.pid !== undefined) {
    const fd = openNamespace(viewOther(task, joins.pid), "pid");
    if (fd === undefined) throw cannotJoin("pid", joins.pid);
    undo.defer(() => closeFd(fd));
    undo.use(linkTo(descriptorPath(fd), joinedPath(bundle, "pid")));
  }
  if (joins?.ipc !== undefined) undo.use(joinIpc(task, joins.ipc));
  return undo.move();
}

/** What of another container is joined by its process. */
export type JoinedKind = "pid" | "ipc";

/** As docker says that container `id` does not run. */
export function cannotJoin(kind: JoinedKind, id: string): EngineError {
  const what = kind === "pid"
    ? `cannot join PID of a non running container: ${id}`
    : `can't join IPC of container ${id}`;
  return failedPrecondition(`${what}: container ${id} is not running`, {
    hint: START_IT,
  });
}

/** The memory of container `id` is not there. */
export function cannotShareMemory(id: string): EngineError {
  return failedPrecondition(
    `can't join IPC of container ${id}: its memory is not mounted`,
    { hint: `Start it anew: coracle restart ${id.slice(0, 12)}` },
  );
}

function joinIpc(task: SharingTask, id: string): Disposable {
  using undo = new DisposableStack();
  const other = viewOther(task, id);
  const fd = openNamespace(other, "ipc");
  if (other === undefined || fd === undefined) throw cannotJoin("ipc", id);
  undo.defer(() => closeFd(fd));
  undo.use(linkTo(descriptorPath(fd), joinedPath(task.bundle, "ipc")));
  const memory = memoryOf(other);
  if (memory === undefined) throw cannotShareMemory(id);
  undo.use(linkTo(memory, joinedPath(task.bundle, "shm")));
  return undo.move();
}

/** Its own, or, if a daemon has started it, that of a command's bundle. */
function memoryOf(other: BundleView): string | undefined {
  const own = sharedMemoryPath(other.path);
  if (isMounted(own)) return own;
  const { pid = 0 } = other.status() ?? {};
  const [name, bundles, ...above] = other.path.split("/").toReversed();
  const sides = `${above.toReversed().join("/")}/remote`;
  const paths = namesIn(sides)
    .map((side) => sharedMemoryPath(`${sides}/${side}/${bundles}/${name}`));
  return memorySeenBy(pid, paths)?.path;
}

function viewOther(
  { bundle, namespace }: SharingTask,
  id: string,
): BundleView | undefined {
  const parent = bundle.slice(0, bundle.lastIndexOf("/"));
  return viewBundle(`${parent}/${namespace}.${id}`);
}

/** @returns a descriptor; undefined if the container does not run */
function openNamespace(
  other: BundleView | undefined,
  kind: JoinedKind,
): number | undefined {
  const status = other?.status();
  if (status === undefined || !runs(status)) return undefined;
  let fd: number;
  try {
    fd = openToRead(`/proc/${status.pid}/ns/${kind}`);
  } catch (error) {
    // It has just ended.
    if (!runs(status)) return undefined;
    throw error;
  }
  // Only now is it known whose it is: the number may have been used again.
  if (runs(status)) return fd;
  closeFd(fd);
  return undefined;
}

/** Without the time of its start a number does not mean one process. */
function runs(status: TaskStatus): boolean {
  return status.state === "running" && status.pidStartTime !== undefined &&
    isSameProcess(status);
}

/** As the runtime, another process, can open it. */
function descriptorPath(fd: number): string {
  return `/proc/${Deno.pid}/fd/${fd}`;
}

/**
 * Instead of one that somebody was killed with. Disposing removes it.
 * @param path of the link
 */
export function linkTo(target: string, path: string): Disposable {
  removeIfThere(path);
  Deno.symlinkSync(target, path);
  return { [Symbol.dispose]: () => removeIfThere(path) };
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
