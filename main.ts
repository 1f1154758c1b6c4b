/** The first stage in a source tree; the executable has `packed_stage.ts`. */

import { programFor, runToExit } from "./src/app/first_stage.ts";

const load = programFor("coracle", Deno.args) === "shim"
  ? () => import("./src/app/shim.ts")
  : () => import("./src/cli/main.ts");
await runToExit(load, Deno.args);
