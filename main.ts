/** The first stage in a source tree; the executable has `packed_stage.ts`. */

import { runToExit } from "./src/app/first_stage.ts";

await runToExit(() => import("./src/cli/main.ts"), Deno.args);
