/**
 * Volumes in directories: `ROOT/NAMESPACE/NAME/_data`, and those without a name
 * in `ROOT/NAMESPACE/.CONTAINER/NUMBER/_data`.
 */

import type { Context } from "../../base/context.ts";
import { notFound } from "../../base/errors.ts";
import {
  type VolumeInfo,
  volumesLock,
  type VolumeStore,
} from "../../core/volume.ts";
import { diskUsage } from "../../sys/disk_usage.ts";
import { lockFile } from "../../sys/lock_file.ts";

/** No `..` and nothing deeper: a name is part of a path. */
const NAMED = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const ANONYMOUS = /^\.[a-zA-Z0-9][a-zA-Z0-9_.-]*\/\d+$/;

/** @param root directory of all volumes; it need not exist */
export function createLocalVolumes(root: string): VolumeStore {
  const directoryOf = ({ namespace }: Context, name: string) =>
    `${root}/${namespace}/${name}`;
  const look = (ctx: Context, name: string): VolumeInfo => {
    const info = infoOf(directoryOf(ctx, name), name);
    if (info === undefined) throw noSuchVolume(name);
    return info;
  };
  return {
    async *list(ctx) {
      for (const name of volumeNames(directoryOf(ctx, ""))) {
        const info = infoOf(directoryOf(ctx, name), name);
        if (info !== undefined) yield info;
      }
    },
    get: async (ctx, name) => await look(ctx, name),
    async create(ctx, name) {
      const directory = `${directoryOf(ctx, name)}/_data`;
      await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
      return look(ctx, name);
    },
    async remove(ctx, name) {
      const { kind } = look(ctx, name);
      const directory = directoryOf(ctx, name);
      await Deno.remove(directory, { recursive: true });
      if (kind === "anonymous") {
        removeIfEmpty(directory.slice(0, directory.lastIndexOf("/")));
      }
    },
    async lock({ namespace }) {
      await Deno.mkdir(root, { recursive: true, mode: 0o755 });
      return await lockFile(volumesLock(root, namespace));
    },
    async usage(ctx, name) {
      const { mountpoint } = look(ctx, name);
      return (await diskUsage(mountpoint, ctx.signal)).sizeBytes;
    },
  };
}

function infoOf(directory: string, name: string): VolumeInfo | undefined {
  const kind = NAMED.test(name)
    ? "named"
    : ANONYMOUS.test(name)
    ? "anonymous"
    : undefined;
  if (kind === undefined) return undefined;
  try {
    // It is changed once, when it gets what is mounted.
    const { isDirectory, mtime } = Deno.lstatSync(directory);
    if (!isDirectory) return undefined;
    const createdAt = mtime ?? new Date(0);
    return { name, kind, mountpoint: `${directory}/_data`, createdAt };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Those with a name first. */
function volumeNames(directory: string): readonly string[] {
  const names = entries(directory);
  const anonymous = names.filter((name) => name.startsWith("."))
    .flatMap((name) =>
      entries(`${directory}/${name}`).map((number) => `${name}/${number}`)
    );
  return [...names.filter((name) => !name.startsWith(".")), ...anonymous];
}

function entries(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return [];
    throw error;
  }
}

/** What other volumes of the same container are in stays. */
function removeIfEmpty(directory: string): void {
  const hasMore = entries(directory).some((name) => /^\d+$/.test(name));
  // A note that others use them, too, is for nobody then.
  if (!hasMore) Deno.removeSync(directory, { recursive: true });
}

function noSuchVolume(name: string) {
  return notFound("volume", name, {
    hint: "coracle volume ls lists the ones there are",
  });
}
