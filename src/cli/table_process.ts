/** Commands on what runs in containers: exec, logs, top, … */

import type { CommandSpec } from "./command.ts";

export const PROCESS: readonly CommandSpec[] = [];
