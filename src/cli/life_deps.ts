/** From an invocation to what the use cases on containers need. */

import { containersPath, volumesPath } from "../app/paths.ts";
import { EngineError, invalidArgument } from "../base/errors.ts";
import type { LifeDeps } from "../engine/life_deps.ts";
import type { Invocation, StoreOptions } from "./command.ts";

export async function lifeDeps(
  inv: Invocation,
  options: StoreOptions = {},
): Promise<LifeDeps> {
  const { services, paths } = await inv.store(options);
  return {
    services,
    now: inv.now,
    volumesPath: volumesPath(paths),
    containersPath: containersPath(paths),
  };
}

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Of variables, or of labels. @throws {EngineError} in docker's words */
export function readOptionFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      const message = `open ${path}: no such file or directory`;
      throw new EngineError("notFound", message, { cause });
    }
    throw invalidArgument(`Cannot read "${path}"`, {
      cause,
      ...cause instanceof Error ? { hint: cause.message } : {},
    });
  }
}
