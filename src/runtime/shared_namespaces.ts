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
import { mountOne, unmountAll } from "../sys/mount.ts";
import { viewBundle } from "./bundles.ts";
import { isSameProcess } from "./same_process.ts";

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
    if (fd === undefined) throw cannotJoinPid(joins.pid);
    undo.defer(() => closeFd(fd));
    undo.use(linkTo(descriptorPath(fd), joinedPath(bundle, "pid")));
  }
  if (joins?.ipc !== undefined) undo.use(joinIpc(task, joins.ipc));
  return undo.move();
}

/** As docker says that container `id` does not run. */
export function cannotJoinPid(id: string): EngineError {
  return failedPrecondition(
    `cannot join PID of a non running container: ${id}: ` +
      `container ${id} is not running`,
    { hint: START_IT },
  );
}

function joinIpc(task: SharingTask, id: string): Disposable {
  using undo = new DisposableStack();
  const other = viewOther(task, id);
  const fd = openNamespace(other, "ipc");
  if (other === undefined || fd === undefined) {
    throw failedPrecondition(
      `can't join IPC of container ${id}: container ${id} is not running`,
      { hint: START_IT },
    );
  }
  undo.defer(() => closeFd(fd));
  undo.use(linkTo(descriptorPath(fd), joinedPath(task.bundle, "ipc")));
  const memory = sharedMemoryPath(other.path);
  if (!isMounted(memory)) {
    throw failedPrecondition(
      `can't join IPC of container ${id}: its memory is not mounted`,
      { hint: `Start it anew: coracle restart ${id.slice(0, 12)}` },
    );
  }
  undo.use(linkTo(memory, joinedPath(task.bundle, "shm")));
  return undo.move();
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
  kind: "pid" | "ipc",
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

/** Empty at each start. Who has joined the last one keeps what he has. */
function renewMemory(bundle: string, sizeBytes: number): void {
  const path = sharedMemoryPath(bundle);
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  unmountAll(path, "detach");
  const options = ["nosuid", "noexec", "nodev", "mode=1777"];
  mountOne(
    {
      type: "tmpfs",
      source: "shm",
      options: [...options, `size=${sizeBytes}`],
    },
    path,
  );
}

function isMounted(path: string): boolean {
  try {
    const parent = path.slice(0, path.lastIndexOf("/"));
    return Deno.statSync(path).dev !== Deno.statSync(parent).dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
