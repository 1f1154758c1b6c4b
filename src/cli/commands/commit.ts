/** `coracle commit` */

import { openPauses } from "../../app/pauses.ts";
import { commitContainer } from "../../engine/commit.ts";
import { anyPlatform, wantedPlatform } from "../../engine/images_platform.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import type { Invocation } from "../command.ts";
import { newId } from "../life_deps.ts";

/** `coracle commit [-a AUTHOR] [-m TEXT] … CONTAINER [REPOSITORY[:TAG]]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = "", reference] = inv.args;
  const author = inv.flags.string("author");
  const message = inv.flags.string("message");
  const { services, paths } = await inv.store();
  const container = await findContainer(inv.ctx, services, name);
  const id = await commitContainer(inv.ctx, services, container, {
    ...reference === undefined ? {} : { reference },
    ...author === undefined ? {} : { author },
    ...message === undefined ? {} : { message },
    changes: inv.flags.list("change"),
    meanwhile: inv.flags.boolean("pause") ? "pause" : "run",
    pauses: openPauses(paths),
    platform: wantedPlatform(),
    wanted: anyPlatform(),
    now: inv.now,
    newId,
  });
  inv.stdout.line(id);
  return 0;
}
