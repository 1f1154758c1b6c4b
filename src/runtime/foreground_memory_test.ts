import { assert, assertEquals } from "@std/assert";
import { isThere } from "../sys/is_there.ts";
import { watchMemory } from "./foreground_memory.ts";

const MEMORY = "/sys/fs/cgroup/memory";
const ignore = Deno.uid() !== 0 || !isThere(`${MEMORY}/memory.oom_control`);

/** A directory without the controller's files. @returns what the watch says */
async function watchPlainDirectory(): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-group-" });
  try {
    const watch = watchMemory("boat", `/../../../../..${directory}`);
    watch.started(Deno.pid);
    return await watch.end();
  } finally {
    await Deno.remove(directory).catch(() => {});
  }
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  await watchMemory("boat", `/coracle-test-${Deno.pid}`).end();
  await watchPlainDirectory().catch(() => {});
}
if (!ignore) await prime();

Deno.test({
  name: "watchMemory() leaves no group of a container that never starts",
  ignore,
  fn: async () => {
    const id = crypto.randomUUID();
    const watch = watchMemory(id, `/coracle-test-${id}`);
    assert(isThere(`${MEMORY}/coracle-test-${id}`));
    assertEquals(await watch.end(), false);
    assert(!isThere(`${MEMORY}/coracle-test-${id}`));
  },
});

Deno.test({
  name: "watchMemory() does without events where the kernel has none",
  ignore,
  fn: async () => assertEquals(await watchPlainDirectory(), false),
});
