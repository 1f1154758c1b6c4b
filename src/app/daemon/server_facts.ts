/** Which daemon this is. */

import type { ServerFacts } from "../../api/server/introspection.ts";
import { lazy } from "../../base/lazy.ts";
import { writeWhole } from "../../sys/write_whole.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @param root where the daemon's name is kept: `<root>/uuid` */
export function serverFacts(root: string): () => Promise<ServerFacts> {
  const uuid = lazy(() => Promise.resolve(nameOf(root)));
  return async () => ({
    uuid: await uuid(),
    pid: Deno.pid,
    pidNamespace: await inodeOf("/proc/self/ns/pid"),
  });
}

async function inodeOf(path: string): Promise<bigint> {
  return BigInt((await Deno.stat(path)).ino ?? 0);
}

/** One that can't be read, for instance half-written, is replaced. */
function nameOf(root: string): string {
  const path = `${root}/uuid`;
  try {
    const known = Deno.readTextFileSync(path).trim();
    if (UUID.test(known)) return known;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const made = crypto.randomUUID();
  writeWhole(path, made);
  return made;
}
