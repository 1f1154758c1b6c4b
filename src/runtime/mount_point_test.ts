import { assert, assertEquals, assertThrows } from "@std/assert";
import { mountAll, unmountAll } from "../sys/mount.ts";
import { removeTree } from "../sys/remove_tree.ts";
import { removeMountPoint } from "./mount_point.ts";

async function withRootfs(
  use: (rootfs: string) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-point-" });
  try {
    const rootfs = `${directory}/rootfs`;
    await Deno.mkdir(`${rootfs}/etc`, { recursive: true });
    await Deno.writeTextFile(`${rootfs}/etc/hosts`, "");
    await use(rootfs);
  } finally {
    removeTree(directory);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("removeMountPoint() removes what a late runtime left", () =>
  withRootfs(async (rootfs) => {
    removeMountPoint(rootfs);
    assertEquals(await isThere(rootfs), false);
    removeMountPoint(rootfs);
  }));

Deno.test("removeMountPoint() deletes nothing that says something", () =>
  withRootfs(async (rootfs) => {
    await Deno.writeTextFile(`${rootfs}/etc/hosts`, "127.0.0.1 localhost");
    await Deno.symlink("/etc", `${rootfs}/link`);
    assertThrows(() => removeMountPoint(rootfs));
    assert(await isThere(`${rootfs}/etc/hosts`));
  }));

Deno.test({
  name: "removeMountPoint() touches nothing that is mounted",
  // libc's symbols stay open.
  sanitizeResources: false,
  ignore: Deno.uid() !== 0,
  fn: () =>
    withRootfs(async (rootfs) => {
      mountAll([{ type: "tmpfs", source: "tmpfs", options: [] }], rootfs);
      try {
        await Deno.mkdir(`${rootfs}/proc`);
        assertThrows(() => removeMountPoint(rootfs));
        assert(await isThere(`${rootfs}/proc`));
      } finally {
        unmountAll(rootfs, "detach");
      }
      removeMountPoint(rootfs);
      assertEquals(await isThere(rootfs), false);
    }),
});
