/** A process that did not start, of which the user has heard already. */

import { TaskStartError } from "./start_failure.ts";

/**
 * Its runtime had our standard error for the process's own, and has written
 * there what went wrong.
 */
export class ToldStartError extends TaskStartError {}
