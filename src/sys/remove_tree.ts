/** Removing directories in which others may still be at work. */

const TRIES = 10;

/**
 * Removes a file, or a directory with all that is in it, if it is there. Who is
 * just ending may write a last file into it meanwhile.
 */
export function removeTree(path: string): void {
  for (let triesLeft = TRIES;; triesLeft--) {
    try {
      return Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (triesLeft === 0 || !isNotEmpty(error)) throw error;
    }
  }
}

/** Whether a directory could not be removed because something is in it. */
export function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ENOTEMPTY";
}
