import { chooseSnapshotter } from "../../src/app/choose_snapshotter.ts";
import { ensureStorePaths, type StorePaths } from "../../src/app/paths.ts";
import { background } from "../../src/base/context.ts";
import { createMounter } from "../../src/drivers/mounter/mounter.ts";
import { createOverlaySnapshotter } from "../../src/drivers/snapshot_overlay/snapshotter.ts";
import { openRecords } from "../snapshot_support.ts";

export interface StackReport {
  readonly choice: string;
  readonly attributes: string;
  /** Names in the merged directory. */
  readonly names: readonly string[];
  /** Names after a second mount. */
  readonly again: readonly string[];
  /** Owner, seen inside, of a file that was given away inside. */
  readonly owner: number;
  readonly usage: { readonly inodes: number };
  /** Directories left after everything was removed. */
  readonly left: number;
}

/** Does with staged layers and a container's layer what a run does. */
export async function stack(paths: StorePaths): Promise<StackReport> {
  ensureStorePaths(paths, 0);
  const choice = chooseSnapshotter(paths, "rootless");
  const root = `${paths.root}/snapshots/overlayfs`;
  using connection = await openRecords(paths.root);
  const snapshotter = createOverlaySnapshotter({
    ...{ root, records: connection.records, features: choice.features },
  });
  const mounter = createMounter();
  const ctx = background();
  const target = `${paths.state}/target`;
  await Deno.mkdir(target);
  let parent = "";
  for (let at = 0; at < 130; at++) {
    const staged = await snapshotter.stage(ctx, `stage-${at}`);
    await Deno.writeTextFile(`${staged.path}/file-${at}`, "");
    await Deno.chown(`${staged.path}/file-${at}`, 1000, 1000);
    await snapshotter.commitStaged(ctx, staged, `layer-${at}`, parent);
    parent = `layer-${at}`;
  }
  const mounts = await snapshotter.prepare(ctx, "run", parent);
  let owner: number | null;
  let names: string[];
  {
    await using _mounted = await mounter.mount(ctx, mounts, target);
    owner = (await Deno.stat(`${target}/file-7`)).uid;
    await Deno.remove(`${target}/file-1`);
    await Deno.writeTextFile(`${target}/new`, "");
    await Deno.chown(`${target}/new`, 65_536, 1);
    names = await list(target);
  }
  await using _mounted = await mounter.mount(
    ctx,
    await snapshotter.mounts(ctx, "run"),
    target,
  );
  const again = await list(target);
  await mounter.unmountAll(ctx, target);
  const usage = await snapshotter.usage(ctx, "run");
  await snapshotter.remove(ctx, "run");
  for (let at = 129; at >= 0; at--) {
    await snapshotter.remove(ctx, `layer-${at}`);
  }
  return {
    choice: choice.name,
    attributes: choice.features.attributes,
    names,
    again,
    owner: owner ?? -1,
    usage,
    left: (await list(root)).length,
  };
}

async function list(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) names.push(name);
  return names.sort();
}
