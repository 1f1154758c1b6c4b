import type { Container } from "../core/container.ts";
import { findContainer } from "../engine/inspect_find.ts";
import type { LifeDeps } from "../engine/life_deps.ts";
import type { Invocation } from "./command.ts";
import { lifeDeps } from "./life_deps.ts";
import { forEachArgument } from "./each.ts";

/**
 * Does something with every container that is named, and says the name as it
 * was typed when that is done.
 * @param act what it returns is said instead of the name
 * @returns 1 if one failed
 */
export async function forEachContainer(
  inv: Invocation,
  act: (deps: LifeDeps, container: Container) => Promise<string | void>,
): Promise<number> {
  const deps = await lifeDeps(inv);
  return await forEachArgument(inv, async (name) => {
    const container = await findContainer(inv.ctx, deps.services, name);
    inv.stdout.line(await act(deps, container) ?? name);
  });
}
