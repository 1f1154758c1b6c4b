/** The parts of the task manager that most commands don't need. */

import { unimplemented } from "../base/errors.ts";
import type { ForeignShimOptions } from "./foreign_shims.ts";
import type { ForeignTasks, LocalTasks } from "./task_manager.ts";

export function loadLocalTasks(): Promise<LocalTasks> {
  return Promise.resolve({
    prepareStart: () => ({ [Symbol.dispose]() {} }),
    start: () => Promise.reject(unimplemented("start in the background")),
    find: () => Promise.resolve(undefined),
  });
}

export async function loadForeignTasks(
  options: ForeignShimOptions,
): Promise<ForeignTasks> {
  const { createForeignShims } = await import("./foreign_shims.ts");
  return createForeignShims(options);
}
