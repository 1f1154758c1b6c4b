import { assertEquals, assertThrows } from "@std/assert";
import { SysError } from "./errno.ts";
import { openPoller, type Poller } from "./poller.ts";
import { watchRemoval } from "./removal_watch.ts";

async function inDirectory(
  test: (poller: Poller, file: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-watch-" });
  const poller = openPoller();
  try {
    const file = `${dir}/file`;
    await Deno.writeTextFile(file, "1");
    await test(poller, file);
  } finally {
    await poller.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
await inDirectory(async (poller, file) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = poller.watchFile(file, "modified", resolve);
  assertThrows(() => poller.watchFile(`${file}.none`, "modified", () => {}));
  await Deno.writeTextFile(file, "2", { append: true });
  await promise;
});

Deno.test("watchFile() tells each watch of a file what it asked for", () =>
  inDirectory(async (poller, file) => {
    const told: string[] = [];
    const { promise: modified, resolve: onModified } = Promise
      .withResolvers<void>();
    const { promise: deleted, resolve: onDeleted } = Promise
      .withResolvers<void>();
    using _first = poller.watchFile(file, "modified", () => {
      told.push("modified");
      onModified();
    });
    using _second = watchRemoval(poller, file, () => {
      told.push("deleted");
      onDeleted();
    });
    await Deno.writeTextFile(file, "2", { append: true });
    await modified;
    await Deno.remove(file);
    await deleted;
    assertEquals(told, ["modified", "deleted"]);
  }));

Deno.test("watchFile() tells nothing more when a watch is disposed", () =>
  inDirectory(async (poller, file) => {
    const told: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = poller.watchFile(file, "modified", () => told.push("first"));
    using _second = poller.watchFile(file, "modified", resolve);
    first[Symbol.dispose]();
    await Deno.writeTextFile(file, "2", { append: true });
    await promise;
    assertEquals(told, []);
  }));

Deno.test("watchFile() watches a file again when it was disposed", () =>
  inDirectory(async (poller, file) => {
    poller.watchFile(file, "modified", () => {})[Symbol.dispose]();
    const { promise, resolve } = Promise.withResolvers<void>();
    using _again = poller.watchFile(file, "modified", resolve);
    await Deno.writeTextFile(file, "2", { append: true });
    await promise;
  }));

Deno.test("watchFile() throws when there is no such file", () =>
  inDirectory((poller, file) => {
    assertThrows(
      () => poller.watchFile(`${file}.none`, "deleted", () => {}),
      SysError,
    );
    return Promise.resolve();
  }));
