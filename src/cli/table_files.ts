/** Commands on the files of containers: cp, diff, commit, … */

import type { CommandSpec } from "./command.ts";

export const FILES: readonly CommandSpec[] = [];
