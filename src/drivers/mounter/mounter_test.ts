import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background } from "../../base/context.ts";
import { openDirectoryFd } from "../../sys/descriptors.ts";
import { mountOne, unmount } from "../../sys/mount.ts";
import { mountsBelow } from "../../sys/mount_info.ts";
import { createMounter } from "./mounter.ts";

// libc's symbols stay open; the sanitizer must not count them to a test.
assertThrows(() =>
  mountOne({ type: "none", source: "", options: [] }, "/nonexistent")
);
assertThrows(() => unmount("/nonexistent", "plain"));
assertThrows(() => openDirectoryFd("/nonexistent"));

const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["size=64k"] };

Deno.test({
  name: "mount() undoes its own mounts when disposed, even if busy",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const target = await Deno.realPath(await Deno.makeTempDir());
    const mounter = createMounter();
    try {
      await using _outer = await mounter.mount(background(), [tmpfs], target);
      {
        await using _inner = await mounter.mount(
          background(),
          [tmpfs, tmpfs],
          target,
        );
        using _busy = await Deno.open(`${target}/file`, {
          create: true,
          write: true,
        });
        assertEquals(mountsBelow(target).length, 3);
      }
      assertEquals(mountsBelow(target).length, 1);
      await mounter.unmountAll(background(), target);
      await mounter.unmountAll(background(), target);
      assertEquals(mountsBelow(target), []);
    } finally {
      await Deno.remove(target);
    }
  },
});

Deno.test({
  name: "open() mounts where only its descriptor leads",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const mounts = () => Deno.readTextFileSync("/proc/self/mountinfo");
    const before = mounts();
    const opened = await createMounter().open(background(), [tmpfs]);
    {
      using view = opened;
      assertEquals(mounts(), before);
      await Deno.mkdir(`${view.path}/in`);
      await Deno.writeTextFile(`${view.path}/in/file`, "text");
      assertEquals(await Deno.readTextFile(`${view.path}/in/file`), "text");
    }
    await assertRejects(() => Deno.stat(`${opened.path}/in`));
    const nothing = await createMounter().open(background(), []);
    using empty = nothing;
    assertEquals(await Array.fromAsync(Deno.readDir(empty.path)), []);
  },
});

Deno.test("mount() does nothing when its signal has fired", async () => {
  const mounter = createMounter();
  const ctx = background({ signal: AbortSignal.abort() });
  await assertRejects(
    () => mounter.mount(ctx, [tmpfs], "/nonexistent"),
    DOMException,
  );
});
