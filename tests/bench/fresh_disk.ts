import { run } from "./pull_image.ts";

/**
 * A new ext4 file system in a file, mounted at `path`. To make tens of
 * thousands of files where as many were deleted a moment ago is many times
 * slower for everybody, so each measurement gets its own.
 */
export interface FreshDisk extends AsyncDisposable {
  readonly path: string;
}

/** @param dir has one at a time */
export async function freshDisk(dir: string): Promise<FreshDisk> {
  // Short names: podman takes no path of more than 50 characters.
  const base = `${dir}/disk`;
  const [image, path] = [`${base}/image`, `${base}/m`];
  await Deno.mkdir(base);
  await Deno.mkdir(path);
  await run(base, "truncate", "-s", "6G", image);
  const lazy = "lazy_itable_init=0,lazy_journal_init=0";
  await run(base, "mkfs.ext4", "-q", "-E", lazy, image);
  await run(base, "mount", "-o", "loop", image, path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await unmount(base, path);
      await Deno.remove(base, { recursive: true });
    },
  };
}

/** What the tools left mounted below goes first. */
async function unmount(base: string, path: string): Promise<void> {
  await run(base, "sync", "-f", path);
  await run(base, "umount", "--recursive", path).catch(() =>
    run(base, "umount", "--recursive", "--lazy", path)
  );
}
