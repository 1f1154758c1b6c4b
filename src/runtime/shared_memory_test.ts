import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { mountOne, unmountAll } from "../sys/mount.ts";
import { isMounted, memorySeenBy, renewMemory } from "./shared_memory.ts";

const HOSTS = "/dev/shm";

// What the first call loads, stays loaded.
unmountAll("/nonexistent", "detach");
const tmpfs = { type: "tmpfs", source: "shm", options: [] };
assertThrows(() => mountOne(tmpfs, "/nonexistent"));

async function inBundle(body: (bundle: string) => void) {
  const bundle = await Deno.makeTempDir();
  try {
    body(bundle);
  } finally {
    unmountAll(`${bundle}/shm`, "detach");
    await Deno.remove(bundle, { recursive: true });
  }
}

Deno.test({
  name: "renewMemory() leaves those who have the last one theirs",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inBundle((bundle) => {
      const first = renewMemory(bundle, 4096);
      using kept = Deno.openSync(`${first.path}/note`, {
        ...{ read: true, write: true, create: true },
      });
      const second = renewMemory(bundle, 4096);
      assertEquals(second.path, first.path);
      assertNotEquals(second.device, first.device);
      assertEquals([...Deno.readDirSync(second.path)], []);
      assertEquals(kept.writeSync(new Uint8Array(2)), 2);
      unmountAll(second.path, "detach");
      assertEquals(isMounted(second.path), false);
    }),
});

Deno.test({
  name: "memorySeenBy() finds what a process has, not what is there only",
  ignore: Deno.uid() !== 0 || !isMounted(HOSTS),
  fn: () =>
    inBundle((bundle) => {
      const other = renewMemory(bundle, 4096);
      const paths = [other.path, `${bundle}/nothing`, "/dev"];
      assertEquals(memorySeenBy(Deno.pid, paths), undefined);
      const ours = memorySeenBy(Deno.pid, [...paths, HOSTS]);
      assertEquals(ours?.path, HOSTS);
      assertEquals(memorySeenBy(0x7fff_fff0, [HOSTS]), undefined);
    }),
});
