import { mayExist } from "./may_exist.ts";

/** False also for what we may not see, and for a link that leads nowhere. */
export function isThere(path: string): boolean {
  if (!mayExist(path)) return false;
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
