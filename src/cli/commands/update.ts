/** `coracle update` */

import { invalidArgument } from "../../base/errors.ts";
import { parseRestartPolicy } from "../../engine/options/restart.ts";
import { updateContainer } from "../../engine/update_container.ts";
import type { ResourceRequest } from "../../oci/spec/request.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";
import { resources } from "../run_options.ts";
import { UPDATE_FLAGS } from "../update_flags.ts";

/** `coracle update [--memory …] [--restart …] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const { flags } = inv;
  const isRare = flags.declares("blkio-weight");
  if (!isRare && !UPDATE_FLAGS.some(({ name }) => flags.given(name))) {
    throw invalidArgument(
      "you must provide one or more flags when using this command",
    );
  }
  const restart = flags.string("restart");
  const changes = {
    resources: {
      ...resources(flags),
      ...isRare ? await blockIo(inv) : {},
    },
    ...restart === undefined ? {} : { restart: parseRestartPolicy(restart) },
  };
  return await forEachContainer(
    inv,
    ({ services }, container) =>
      updateContainer(inv.ctx, services, container, changes),
  );
}

async function blockIo(
  inv: Invocation,
): Promise<Pick<ResourceRequest, "blockIo">> {
  const { blockIoRequest } = await import("../../engine/block_io.ts");
  const { weight } = await import("../rare_flags.ts");
  const { host } = await inv.services();
  const warn = (message: string) => inv.ctx.log.warn(message);
  const blockIo = blockIoRequest(weight(inv.flags), host, warn);
  return blockIo === undefined ? {} : { blockIo };
}
