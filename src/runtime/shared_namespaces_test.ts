import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { joinedPath } from "../core/shared_paths.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import { closeFd, openToRead } from "../sys/descriptors.ts";
import { processStartTime } from "../sys/pidfd.ts";
import { shareNamespaces } from "./shared_namespaces.ts";

// What the first call loads, stays loaded.
closeFd(openToRead("/dev/null"));

/** A bundle beside that of container `o` with this status. */
async function bundleBeside(
  parent: string,
  status: Partial<TaskStatus>,
): Promise<string> {
  const [bundle, other] = [`${parent}/n.guest`, `${parent}/n.o`];
  for (const path of [bundle, other]) {
    await Deno.mkdir(path, { recursive: true });
  }
  await Deno.writeTextFile(`${other}/record.json`, "{}");
  await Deno.writeTextFile(
    `${other}/status.json`,
    JSON.stringify({ ...NEW_STATUS, ...status }),
  );
  return bundle;
}

async function inDirectory(body: (path: string) => Promise<void>) {
  const path = await Deno.makeTempDir();
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const startTime = () => processStartTime(Deno.pid) ?? 0;

Deno.test("shareNamespaces() leads to a process until it is disposed of", () =>
  inDirectory(async (parent) => {
    const bundle = await bundleBeside(parent, {
      ...{ state: "running", pid: Deno.pid },
      pidStartTime: startTime(),
    });
    const path = joinedPath(bundle, "pid");
    // Somebody was killed with it.
    await Deno.symlink("/proc/1/fd/0", path);
    {
      using _shared = shareNamespaces(
        { bundle, namespace: "n" },
        { joins: { pid: "o" } },
      );
      const inode = async (at: string) => (await Deno.stat(at)).ino;
      assertEquals(await inode(path), await inode("/proc/self/ns/pid"));
    }
    assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
  }));

Deno.test("shareNamespaces() never takes another process of that number", () =>
  inDirectory(async (parent) => {
    const ours = { pid: Deno.pid, pidStartTime: startTime() };
    const others: readonly Partial<TaskStatus>[] = [
      { ...ours, state: "running", pidStartTime: startTime() - 1 },
      // One whose start nobody has seen.
      { state: "running", pid: Deno.pid },
      { ...ours, state: "stopped" },
      { ...ours, state: "restarting" },
      { state: "running", pid: 0 },
    ];
    for (const status of others) {
      const bundle = await bundleBeside(parent, status);
      for (const joins of [{ pid: "o" }, { ipc: "o" }]) {
        const error = assertThrows(
          () => shareNamespaces({ bundle, namespace: "n" }, { joins }),
          EngineError,
          "container o is not running",
        );
        assertEquals(error.code, "failedPrecondition");
      }
      const left = await Array.fromAsync(Deno.readDir(bundle));
      assertEquals(left, []);
    }
  }));
