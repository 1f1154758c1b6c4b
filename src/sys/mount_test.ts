import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SysError } from "./errno.ts";
import {
  mountAll,
  mountOne,
  tryUnmount,
  unmount,
  unmountAll,
} from "./mount.ts";
import { mountByDescriptors } from "./mount_api.ts";
import { mountOf, mountsBelow } from "./mount_info.ts";

const ignore = Deno.uid() !== 0;

/** A child that another test starts just now may have our files open. */
const LAZILY = "detach";

// libc's symbols stay open; the sanitizer must not count them to a test.
assertThrows(() =>
  mountOne({ type: "none", source: "", options: [] }, "/nonexistent")
);
assertThrows(() => unmount("/nonexistent", "plain"));

/** A temporary directory; whatever is mounted below goes first. */
class Scratch implements Disposable {
  readonly path = Deno.realPathSync(Deno.makeTempDirSync());

  /** Makes a directory, with a file in it if `file` is given. */
  dir(name: string, file?: string): string {
    const path = `${this.path}/${name}`;
    Deno.mkdirSync(path, { recursive: true });
    if (file !== undefined) Deno.writeTextFileSync(`${path}/${file}`, name);
    return path;
  }

  [Symbol.dispose](): void {
    for (const { mountPoint } of mountsBelow(this.path)) {
      tryUnmount(mountPoint, "detach");
    }
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test({
  name: "mountOne() binds read-only when asked, and unmount() undoes it",
  ignore,
  fn: () => {
    using scratch = new Scratch();
    const source = scratch.dir("source", "file");
    const target = scratch.dir("target");
    mountOne({ type: "bind", source, options: ["rbind", "ro"] }, target);
    assertEquals(Deno.readTextFileSync(`${target}/file`), "source");
    assertThrows(() => Deno.writeTextFileSync(`${target}/new`, ""));
    assert(mountOf(target)?.options.includes("ro"));
    unmount(target, LAZILY);
    assertEquals([...Deno.readDirSync(target)], []);
    assertThrows(() => unmount(target, "plain"), SysError, "not a mount point");
  },
});

Deno.test({
  name: "mountAll() undoes the first mounts when a later one fails",
  ignore,
  fn: () => {
    using scratch = new Scratch();
    const target = scratch.dir("target");
    const tmpfs = { type: "tmpfs", source: "tmpfs", options: ["size=64k"] };
    const missing = {
      type: "bind",
      source: `${scratch.path}/no`,
      options: ["bind"],
    };
    assertThrows(() => mountAll([tmpfs, tmpfs, missing], target), SysError);
    assertEquals(mountsBelow(target), []);
    mountAll([tmpfs, tmpfs], target);
    assertEquals(mountsBelow(target).length, 2);
    unmountAll(target, LAZILY);
    assertEquals(mountsBelow(target), []);
  },
});

Deno.test({
  name: "mountOne() sets propagation types",
  ignore,
  fn: () => {
    using scratch = new Scratch();
    const target = scratch.dir("target");
    mountOne(
      { type: "tmpfs", source: "t", options: ["nosuid", "shared"] },
      target,
    );
    const entry = mountOf(target);
    assertEquals(entry?.type, "tmpfs");
    assert(entry?.options.includes("nosuid"));
    assert(entry?.propagation.some((name) => name.startsWith("shared:")));
  },
});

Deno.test({
  name: "mountOne() repeats the kernel's words when an overlay is wrong",
  ignore,
  fn: () => {
    using scratch = new Scratch();
    const target = scratch.dir("target");
    const options = [`lowerdir=${scratch.dir("a")}:${scratch.dir("b")}`, "odd"];
    const error = assertThrows(
      () => mountOne({ type: "overlay", source: "overlay", options }, target),
      SysError,
    );
    assertStringIncludes(error.message, target);
    assertStringIncludes(error.message, "overlay: Unknown parameter 'odd'");
  },
});

/** `count` layers, the lowest first, of names about `width` bytes long. */
function makeLayers(scratch: Scratch, count: number, width: number): string[] {
  const prefix = "x".repeat(width);
  return Array.from(
    { length: count },
    (_, at) => scratch.dir(`${prefix}/${at}/fs`, `file-${at}`),
  );
}

function overlayOf(layers: readonly string[], scratch: Scratch) {
  return {
    type: "overlay",
    source: "overlay",
    options: [
      "index=off",
      `workdir=${scratch.dir("work")}`,
      `upperdir=${scratch.dir("upper")}`,
      `lowerdir=${layers.toReversed().join(":")}`,
    ],
  };
}

for (const [count, width] of [[3, 10], [127, 40], [300, 60], [130, 250]]) {
  Deno.test({
    name: `mountOne() mounts an overlay when it has ${count} layers of ` +
      `${width} and more bytes`,
    ignore,
    fn: () => {
      using scratch = new Scratch();
      const layers = makeLayers(scratch, count ?? 0, width ?? 0);
      const target = scratch.dir("target");
      mountOne(overlayOf(layers, scratch), target);
      const names = [...Deno.readDirSync(target)].map(({ name }) => name);
      assertEquals(names.length, count);
      Deno.writeTextFileSync(`${target}/new`, "new");
      Deno.removeSync(`${target}/file-0`);
      unmount(target, LAZILY);
      assertEquals(
        [...Deno.readDirSync(`${scratch.path}/upper`)].length,
        2,
      );
    },
  });
}

Deno.test({
  name: "mountByDescriptors() mounts 200 layers on kernels of any age",
  ignore,
  fn: () => {
    using scratch = new Scratch();
    const layers = makeLayers(scratch, 200, 60);
    const target = scratch.dir("target");
    const { source, options } = overlayOf(layers, scratch);
    mountByDescriptors({ source, flags: 0, data: options }, target);
    assertEquals([...Deno.readDirSync(target)].length, 200);
    unmount(target, LAZILY);
  },
});

Deno.test({
  name: "mountOne() takes a colon in a layer's path when it is escaped",
  ignore,
  fn: () => {
    for (const count of [2, 127]) {
      using scratch = new Scratch();
      const layers = makeLayers(scratch, count, 40);
      const odd = scratch.dir("a:b", "odd");
      const target = scratch.dir("target");
      const escaped = [...layers, odd.replaceAll(":", "\\:")];
      mountOne(overlayOf(escaped, scratch), target);
      assertEquals(Deno.readTextFileSync(`${target}/odd`), "a:b");
      unmount(target, LAZILY);
    }
  },
});
