/** `coracle update` */

import { invalidArgument } from "../../base/errors.ts";
import { parseRestartPolicy } from "../../engine/options/restart.ts";
import { updateContainer } from "../../engine/update_container.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";
import { resources } from "../run_flags.ts";
import { UPDATE_FLAGS } from "../update_flags.ts";

/** `coracle update [--memory …] [--restart …] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const { flags } = inv;
  if (!UPDATE_FLAGS.some(({ name }) => flags.given(name))) {
    throw invalidArgument(
      "you must provide one or more flags when using this command",
    );
  }
  const restart = flags.string("restart");
  const changes = {
    resources: resources(flags),
    ...restart === undefined ? {} : { restart: parseRestartPolicy(restart) },
  };
  return await forEachContainer(
    inv,
    ({ services }, container) =>
      updateContainer(inv.ctx, services, container, changes),
  );
}
