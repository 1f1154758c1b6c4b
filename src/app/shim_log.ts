import { unimplemented } from "../base/errors.ts";

/** @returns the exit code */
export function shimLog(_args: readonly string[]): Promise<number> {
  throw unimplemented("keep a foreign shim's log");
}
