/** The directory of a sandbox's shim: its working directory. */

import type { TypedValue } from "../../core/container.ts";

/** What was left of one that never started is thrown away. */
export function makeBundle(bundle: string, spec: TypedValue | undefined): void {
  removeBundle(bundle);
  Deno.mkdirSync(`${bundle}/rootfs`, { recursive: true, mode: 0o711 });
  Deno.chmodSync(bundle, 0o700);
  if (spec === undefined) return;
  Deno.writeFileSync(`${bundle}/config.json`, spec.value, { mode: 0o600 });
}

export function removeBundle(bundle: string): void {
  try {
    Deno.removeSync(bundle, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
