/** `coracle port`: containers share the host's ports, none is published. */

import { invalidArgument, notFound } from "../../base/errors.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import type { Invocation } from "../command.ts";

/** `coracle port CONTAINER [PORT[/PROTOCOL]]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = "", port] = inv.args;
  const services = await inv.services();
  await findContainer(inv.ctx, services, name);
  if (port === undefined) return 0;
  if (!/^\d{1,5}(\/(tcp|udp|sctp))?$/.test(port)) {
    throw invalidArgument(`Cannot read port "${port}"`, {
      hint: "Write it as 80 or 80/tcp",
    });
  }
  const shown = port.includes("/") ? port : `${port}/tcp`;
  throw notFound("public port", shown, {
    hint: `Container "${name}" publishes none`,
  });
}
