import type { InspectOptions } from "../engine/inspect_container.ts";
import type { Invocation } from "./command.ts";
import { forEachArgument } from "./each.ts";
import { printInspection } from "./format/object.ts";

/**
 * Shows what was found in one array, and tells what was not.
 * @returns 1 if anything was not found
 */
export async function inspectEach(
  inv: Invocation,
  inspect: (name: string) => Promise<unknown>,
): Promise<number> {
  const found: unknown[] = [];
  const exitCode = await forEachArgument(inv, async (name) => {
    found.push(await inspect(name));
  });
  printInspection(inv.stdout, found, inv.flags.string("format"));
  return exitCode;
}

/** Of containers, by the command's flags. */
export function inspectOptions({ flags }: Invocation): InspectOptions {
  return flags.boolean("size") ? { sizes: "show" } : {};
}
