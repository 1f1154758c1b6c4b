import type { Context } from "../../base/context.ts";
import type { Mount, Mounter } from "../../core/mount.ts";
import type { LowerTree, StagedTree } from "../../core/unpack.ts";
import { removeAttribute } from "../../sys/fs_metadata.ts";
import { splitLayers } from "../../sys/mount_context.ts";
import { copyMetadata } from "./copy_metadata.ts";
import { findLower } from "./find_lower.ts";

export interface SettleDeps {
  readonly mounter: Mounter;
  /** Where overlay finds its marks. */
  readonly attributes: "trusted" | "user";
}

/**
 * Makes a staged layer mean what it would mean had it been applied on `lower`.
 *
 * Two things hang on the layers below:
 * - A directory that the layer only passes through. If it is a directory below
 *   too, it looks as it does there. If it is a link there, as `lib` is in most
 *   images, files would have gone where the link points; so the layer has to
 *   be applied. If it is anything else, applying will say what is wrong.
 * - A whiteout of what isn't there, or a mark that hides nothing. Overlay shows
 *   such a whiteout as a device in some places, so they go.
 *
 * @returns why the layer has to be applied instead, or undefined
 */
export async function settleTree(
  ctx: Context,
  deps: SettleDeps,
  { path, loose }: StagedTree,
  lower: LowerTree,
): Promise<string | undefined> {
  const { implicitDirectories, lateDirectories } = loose;
  const { whiteouts, opaqueDirectories } = loose;
  const all = [
    ...[...implicitDirectories, ...lateDirectories],
    ...[...whiteouts, ...opaqueDirectories],
  ];
  if (all.length === 0) return undefined;
  // Such names Deno's calls could not find again.
  const odd = all.find((name) => !name.isWellFormed());
  if (odd !== undefined) return `"${odd}" has a name that is not UTF-8`;
  await using view = await openView(ctx, deps.mounter, lower.mounts);
  const stack = [...lower.staged, ...view.paths];
  const opaque = `${deps.attributes}.overlay.opaque`;
  for (const directory of implicitDirectories) {
    const found = findLower(stack, directory, opaque, path);
    if (found.kind === "absent") continue;
    if (found.kind === "other") {
      return `"${directory}" is not a directory in a layer below`;
    }
    copyMetadata(found.path, join(path, directory));
  }
  for (const directory of lateDirectories) {
    const found = findLower(stack, directory, opaque, path);
    if (found.kind === "other") {
      return `"${directory}" is not a directory in a layer below`;
    }
  }
  for (const directory of opaqueDirectories) {
    const found = findLower(stack, directory, opaque, path);
    if (found.kind === "absent") {
      removeAttribute(join(path, directory), opaque);
    }
  }
  for (const whiteout of whiteouts) {
    const found = findLower(stack, whiteout, opaque, path);
    if (found.kind === "absent") removeWhiteout(join(path, whiteout));
  }
  return undefined;
}

function join(path: string, name: string): string {
  return name === "" ? path : `${path}/${name}`;
}

/** The committed layers as one tree. */
async function openView(
  ctx: Context,
  mounter: Mounter,
  mounts: readonly Mount[],
): Promise<AsyncDisposable & { paths: readonly string[] }> {
  const [only] = mounts;
  if (only === undefined) return atPaths([]);
  // Layers can be looked at where they lie: a mount would outlive a crash.
  const layers = mounts.length === 1 ? layersOf(only) : undefined;
  if (layers !== undefined) return atPaths(layers);
  await using stack = new AsyncDisposableStack();
  const target = await Deno.makeTempDir({ prefix: "coracle-view-" });
  stack.defer(() => Deno.remove(target));
  stack.use(await mounter.mount(ctx, mounts, target));
  const moved = stack.move();
  return {
    paths: [target],
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Directories of a read-only mount, nearest first. */
function layersOf({ type, source, options }: Mount): string[] | undefined {
  if (type === "bind") return [source];
  const lower = options.find((option) => option.startsWith("lowerdir="));
  if (type !== "overlay" || lower === undefined) return undefined;
  if (options.some((option) => option.startsWith("upperdir="))) {
    return undefined;
  }
  return splitLayers(lower.slice("lowerdir=".length));
}

function atPaths(
  paths: readonly string[],
): AsyncDisposable & { paths: readonly string[] } {
  return { paths, [Symbol.asyncDispose]: () => Promise.resolve() };
}

function removeWhiteout(path: string): void {
  const { isCharDevice, rdev } = Deno.lstatSync(path);
  if (isCharDevice && rdev === 0) Deno.removeSync(path);
}
