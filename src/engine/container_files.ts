/** A container's files as the container sees them, whether it runs or not. */

import type { Context } from "../base/context.ts";
import { failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { FileTree } from "../core/file_tree.ts";
import { readOnlyMounts } from "../core/overlay_mounts.ts";
import type { Services } from "../core/services.ts";
import { containerRoot } from "./container_root.ts";
import { containerSpec, type ContainerSpecView } from "./inspect_find.ts";
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
  access: "read" | "write",
): Promise<OpenFiles> {
  const running = await openRunning(ctx, services, container);
  if (running !== undefined) return wholeTree(running);
  const spec = await containerSpec(ctx, services, container) ?? {};
  using stack = new DisposableStack();
  const path = await openRoot(ctx, services, container, access, stack);
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
  const pid = await runningPid(ctx, services, container);
  if (pid === undefined) return undefined;
  using stack = new DisposableStack();
  const path = `/proc/${pid}/root`;
  if (!services.host.exists(path)) return undefined;
  const tree = stack.use(await services.fileTrees.open(path));
  // The number may have become another process's, even one of the host's. If
  // the container's has it still, it had it when its root was opened.
  if (await runningPid(ctx, services, container) !== pid) return undefined;
  stack.move();
  return tree;
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

/** @returns a path to the root of a container without processes */
async function openRoot(
  ctx: Context,
  services: Services,
  container: Container,
  access: "read" | "write",
  stack: DisposableStack,
): Promise<string> {
  const root = await containerRoot(ctx, services, container);
  if (root.kind === "directory") return root.path;
  const mounts = access === "read" ? readOnlyMounts(root.mounts) : root.mounts;
  return stack.use(await services.mounter.open(ctx, mounts)).path;
}

type Bind = NonNullable<ContainerSpecView["mounts"]>[number];

/** Finds what lies below a bind mount's destination, by name. */
function openBinds(
  services: Services,
  spec: ContainerSpecView,
  access: "read" | "write",
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
