/** The first stage in a source tree; the executable has `packed_stage.ts`. */

import { programFor, runToExit } from "./src/app/first_stage.ts";
import { useLightTimers } from "./src/app/light_timers.ts";

const PROGRAMS = {
  cli: () => import("./src/cli/main.ts"),
  shim: () => import("./src/app/shim.ts"),
  daemon: () => import("./src/app/daemon.ts"),
};
useLightTimers();
await runToExit(PROGRAMS[programFor("coracle", Deno.args)], Deno.args);
