/** Where containerd's shims put their sockets, whoever starts them. */

import { failedPrecondition } from "../../base/errors.ts";
import { mountOne } from "../../sys/mount.ts";

/** Shims have it written in them. */
const PARENT = "/run/containerd";
const SOCKETS = `${PARENT}/s`;

/**
 * Makes sure that shims can make sockets. In a user's own mount namespace a
 * directory of ours is mounted there, which only that namespace sees.
 * @param own directory of ours to mount; made if it is needed
 * @throws {EngineError} `failedPrecondition` if there is no place to mount it
 */
export function ensureSocketDirectory(own: string): void {
  if (canMake(SOCKETS)) return;
  Deno.mkdirSync(`${own}/s`, { recursive: true, mode: 0o711 });
  try {
    mountOne({ type: "bind", source: own, options: [] }, PARENT);
  } catch (cause) {
    throw failedPrecondition(
      `Cannot use "${SOCKETS}", where shims keep their sockets`,
      {
        cause,
        hint: `Let an administrator make it: mkdir --parents ${PARENT}`,
      },
    );
  }
}

function canMake(path: string): boolean {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o711 });
    return true;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable;
}
