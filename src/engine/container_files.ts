/** A container's files as the container sees them, whether it runs or not. */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { FileTree } from "../core/file_tree.ts";
import { readOnlyMounts } from "../core/overlay_mounts.ts";
import type { Services } from "../core/services.ts";
import { containerRoot } from "./container_root.ts";
import { ROOTFS } from "./container_record.ts";
import {
  containerName,
  containerSpec,
  type ContainerSpecView,
} from "./inspect_find.ts";
import { containerStatus } from "./inspect_state.ts";

/** Disposing closes them. */
export interface OpenFiles extends Disposable {
  /** The tree in which a path lies, and its path there. */
  at(path: string): Promise<PlaceInTree>;
}

export interface PlaceInTree {
  readonly tree: FileTree;
  readonly path: string;
}

type Access = "read" | "write";

const WAIT_MS = 10_000;
const PAUSE_MS = 20;
/** How long a process may have ended before that is known. */
const END_MS = 1_000;

/**
 * Those of a running container are its own processes' view, volumes and all. Of
 * a stopped one they are its layers, and what lies directly in a volume.
 *
 * @throws {EngineError} `failedPrecondition` if `access` is `write` and a
 * stopped one's root is read-only
 */
export async function openContainerFiles(
  ctx: Context,
  services: Services,
  container: Container,
  access: Access,
): Promise<OpenFiles> {
  for (let waited = 0; waited < WAIT_MS; waited += PAUSE_MS) {
    ctx.signal.throwIfAborted();
    const running = await openRunning(ctx, services, container);
    if (running !== undefined) return wholeTree(running);
    const stopped = await openStopped(ctx, services, container, access);
    if (stopped !== undefined) return stopped;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new EngineError(
    "deadlineExceeded",
    `Cannot write to container "${containerName(container)}": it neither ` +
      "runs nor ends",
    { hint: "Try again; coracle ps -a shows what it does" },
  );
}

/** Undefined if it is just starting, or somebody else writes to it. */
async function openStopped(
  ctx: Context,
  services: Services,
  container: Container,
  access: Access,
): Promise<OpenFiles | undefined> {
  const spec = await containerSpec(ctx, services, container) ?? {};
  using stack = new DisposableStack();
  const path = await openRoot(ctx, services, container, access, stack);
  if (path === undefined) return undefined;
  const tree = stack.use(await services.fileTrees.open(path));
  const kept = stack.move();
  const binds = openBinds(services, spec, access, kept);
  return {
    at: async (path) => {
      const place = await binds(path) ?? { tree, path };
      if (place.tree !== tree || access === "read" || !spec.root?.readonly) {
        return place;
      }
      throw failedPrecondition("container rootfs is marked read-only");
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** The files of this machine. */
export async function openHostFiles(services: Services): Promise<OpenFiles> {
  return wholeTree(await services.fileTrees.open("/"));
}

function wholeTree(tree: FileTree): OpenFiles {
  return {
    at: (path) => Promise.resolve({ tree, path }),
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

/** Undefined if it has no process. */
async function openRunning(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<FileTree | undefined> {
  for (let waited = 0;; waited += PAUSE_MS) {
    try {
      return await tryRunning(ctx, services, container);
    } catch (error) {
      // What has ended has no root any more, also before anybody sees to it.
      if (!hasCode(error, "notFound") || waited >= END_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function tryRunning(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<FileTree | undefined> {
  const pid = await runningPid(ctx, services, container);
  if (pid === undefined) return undefined;
  const path = `/proc/${pid}/root`;
  if (!services.host.exists(path)) return undefined;
  using stack = new DisposableStack();
  // The number may have become another process's, even one of the host's. If
  // the container's has it still, it had it when its root was opened.
  const isStill = async () =>
    await runningPid(ctx, services, container) === pid;
  try {
    const tree = stack.use(await services.fileTrees.open(path));
    if (!await isStill()) return undefined;
    stack.move();
    return tree;
  } catch (error) {
    if (await isStill()) throw error;
    return undefined;
  }
}

async function runningPid(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<number | undefined> {
  const { state, task } = await containerStatus(ctx, services, container);
  return (state === "running" || state === "paused") && task.pid > 0
    ? task.pid
    : undefined;
}

/**
 * @returns a path to the root of a container without processes; undefined if
 * it can't be written to now
 */
async function openRoot(
  ctx: Context,
  services: Services,
  container: Container,
  access: Access,
  stack: DisposableStack,
): Promise<string | undefined> {
  const root = await containerRoot(ctx, services, container);
  if (root.kind === "directory") return root.path;
  const { state } = await containerStatus(ctx, services, container);
  if (state === "restarting") {
    const ref = { namespace: ctx.namespace, id: container.id };
    const bundle = services.bundles.find(ctx, ref);
    return bundle === undefined ? undefined : `${bundle.path}/${ROOTFS}`;
  }
  if (access === "write") {
    const hold = holdStopped(ctx, services, container);
    if (hold === undefined) return undefined;
    stack.use(hold);
  }
  const mounts = access === "read" ? readOnlyMounts(root.mounts) : root.mounts;
  return stack.use(await services.mounter.open(ctx, mounts)).path;
}

/**
 * Two mounts of one writable layer would spoil each other. Who starts the
 * container waits as long as we hold its bundle; if we are killed, a bundle
 * without a status leaves the container as it was.
 */
function holdStopped(
  ctx: Context,
  { bundles }: Services,
  { id, runtime, snapshotter, snapshotKey }: Container,
): Disposable | undefined {
  try {
    const bundle = bundles.create(ctx, {
      id,
      namespace: ctx.namespace,
      runtime: runtime.name,
      snapshotter,
      snapshotKey,
      removal: "keep",
    });
    return { [Symbol.dispose]: () => bundle.remove() };
  } catch (error) {
    if (hasCode(error, "alreadyExists")) return undefined;
    throw error;
  }
}

type Bind = NonNullable<ContainerSpecView["mounts"]>[number];

/** Finds what lies below a bind mount's destination, by name. */
function openBinds(
  services: Services,
  spec: ContainerSpecView,
  access: Access,
  stack: DisposableStack,
): (path: string) => Promise<PlaceInTree | undefined> {
  const binds = (spec.mounts ?? []).filter(isBind)
    // The last one mounted, and the deepest, is the one that is seen.
    .toReversed().sort((a, b) => b.destination.length - a.destination.length);
  return async (path) => {
    const bind = binds.find(({ destination }) => isBelow(path, destination));
    if (bind === undefined || /(^|\/)\.\.(\/|$)/.test(path)) return undefined;
    if (access === "write" && bind.options?.includes("ro")) {
      throw failedPrecondition(
        `mounted volume "${bind.destination}" is marked read-only`,
      );
    }
    const place = await openBind(services, bind, path);
    stack.use(place.tree);
    return place;
  };
}

async function openBind(
  { fileTrees }: Services,
  { source = "/", destination }: Bind,
  path: string,
): Promise<PlaceInTree> {
  const rest = path.slice(destination.length);
  try {
    return { tree: await fileTrees.open(source), path: `/${rest}` };
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    // Of a file, only its directory can be opened.
    const slash = source.lastIndexOf("/");
    const tree = await fileTrees.open(source.slice(0, slash) || "/");
    return { tree, path: `${source.slice(slash)}${rest}` };
  }
}

function isBind({ type, options = [] }: Bind): boolean {
  return type === "bind" || options.includes("bind") ||
    options.includes("rbind");
}

function isBelow(path: string, destination: string): boolean {
  return path === destination || path.startsWith(`${destination}/`);
}
