import { assertEquals } from "@std/assert";
import { recordedGroup } from "./recorded_group.ts";

async function groupOf(paths: Record<string, string>) {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${directory}/state.json`,
      JSON.stringify({ cgroup_paths: paths }),
    );
    return recordedGroup(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("recordedGroup() is of version 2 when there is nothing else", async () => {
  assertEquals(await groupOf({ "": "/sys/fs/cgroup/c" }), {
    version: 2,
    directories: new Map([["", "/sys/fs/cgroup/c"]]),
  });
});

Deno.test("recordedGroup() leaves out version 2 when the controllers are in version 1", async () => {
  const memory = "/sys/fs/cgroup/memory/c";
  assertEquals(await groupOf({ "": "/sys/fs/cgroup/unified/c", memory }), {
    version: 1,
    directories: new Map([["memory", memory]]),
  });
});

Deno.test("recordedGroup() knows none when nothing was written down", async () => {
  assertEquals(await groupOf({}), undefined);
  assertEquals(recordedGroup("/nowhere"), undefined);
});
