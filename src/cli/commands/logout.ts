import { logout } from "../../app/login.ts";
import type { Invocation } from "../command.ts";

/** `coracle logout [SERVER]` */
export async function run(inv: Invocation): Promise<number> {
  const [server = ""] = inv.args;
  const result = await logout(inv.ctx, inv.env, server);
  inv.stdout.line(
    result.removedFrom === undefined
      ? `Not logged in to ${result.server}`
      : `Removed login credentials for ${result.server} from ` +
        result.removedFrom,
  );
  return 0;
}
