/** Commands on the life of containers: create, start, stop, … */

import type { CommandSpec } from "./command.ts";

export const LIFECYCLE: readonly CommandSpec[] = [];
