import { unimplemented } from "../base/errors.ts";

/** @returns the exit code */
export function keep(_args: readonly string[]): Promise<number> {
  throw unimplemented("keep a container");
}
