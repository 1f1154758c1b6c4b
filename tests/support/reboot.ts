/** Switching the machine off, as far as one store can tell. */

import {
  killAll,
  processesInGroup,
  processesWith,
  until,
} from "./processes.ts";
import type { RunStore } from "./run_store.ts";

/**
 * Kills the store's containers and whoever keeps them, none of whom gets to
 * write anything down, and empties its state directory, which is in memory.
 */
export async function switchOff(store: RunStore): Promise<void> {
  const state = `${store.dir}/state`;
  const namespace = store.flags.at(-1) ?? "";
  // Those who keep them first: they would see the others end.
  killAll(processesWith(state));
  killAll(processesInGroup(`/${namespace}/`));
  await until(
    "everything has ended",
    () =>
      processesWith(state).length +
          processesInGroup(`/${namespace}/`).length ===
        0,
  );
  for await (const { name } of Deno.readDir(`${state}/bundles`)) {
    const id = name.slice(name.indexOf(".") + 1);
    await new Deno.Command("runc", {
      args: [
        ...["--root", `${state}/runtime/${namespace}`],
        ...["delete", "--force", id],
      ],
    }).output();
    await new Deno.Command("umount", {
      args: [`${state}/bundles/${name}/rootfs`],
    }).output();
  }
  await Deno.remove(state, { recursive: true });
}
