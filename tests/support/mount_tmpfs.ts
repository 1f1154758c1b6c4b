/** File systems in memory, for disks that are small or can't be written. */

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Changes its options. */
  remount(options: string): Promise<void>;
}

/** Unmounted when it is disposed, which can be done twice. @param options `size=4m` */
export async function mountTmpfs(
  path: string,
  options: string,
): Promise<SmallDisk> {
  await Deno.mkdir(path, { recursive: true });
  await must("mount", "-t", "tmpfs", "-o", options, "none", path);
  let isMounted = true;
  return {
    path,
    remount: (options) => must("mount", "-o", `remount,${options}`, path),
    async [Symbol.asyncDispose]() {
      if (!isMounted) return;
      isMounted = false;
      await must("umount", "-l", path);
    },
  };
}

async function must(program: string, ...args: readonly string[]) {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
  }).output();
  if (success) return;
  throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
