import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../base/context.ts";
import { EngineError, notFound } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { FileTree } from "../core/file_tree.ts";
import type { Services } from "../core/services.ts";
import { NEW_STATUS, type TaskState } from "../core/task_status.ts";
import { openContainerFiles } from "./container_files.ts";

const ctx = background({ namespace: "test" });
const PROCESS_ROOT = "/proc/42/root";

/** Its root file system is a directory of the host's. */
const container = {
  id: "boat",
  labels: {},
  snapshotter: "",
  snapshotKey: "",
  spec: {
    typeUrl: "",
    value: new TextEncoder().encode('{"root":{"path":"/srv/boat"}}'),
  },
} as unknown as Container;

/** Whose process has gone. @param after its state from then on */
function servicesOf(opened: string[], after: TaskState): Services {
  let state: TaskState = "running";
  const status = () => ({ ...NEW_STATUS, state, pid: 42 });
  return {
    bundles: { find: () => ({ status }) },
    tasks: { find: () => Promise.resolve({ status }) },
    fileTrees: {
      open(path: string) {
        opened.push(path);
        if (path !== PROCESS_ROOT) {
          return Promise.resolve({ [Symbol.dispose]: () => {} } as FileTree);
        }
        state = after;
        return Promise.reject(notFound("directory", path));
      },
    },
    host: { exists: () => true },
    snapshotters: new Map(),
  } as unknown as Services;
}

Deno.test("openContainerFiles() opens those of a container that ends meanwhile", async () => {
  const opened: string[] = [];
  const services = servicesOf(opened, "stopped");
  using _files = await openContainerFiles(ctx, services, container, "read");
  assertEquals(opened, [PROCESS_ROOT, "/srv/boat"]);
});

Deno.test("openContainerFiles() says why those of a running one can't be opened", async () => {
  const services = servicesOf([], "running");
  const open = () => openContainerFiles(ctx, services, container, "read");
  const { code } = await assertRejects(open, EngineError);
  assertEquals(code, "notFound");
});
