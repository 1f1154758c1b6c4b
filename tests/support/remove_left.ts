/** Taking away the directories of processes that are just about to leave. */

const PATIENCE_MS = 5_000;
const PAUSE_MS = 50;

/**
 * A shim whose container is gone leaves in its own time, and may put a last
 * file into a directory that is being removed. Who does not leave is found: by
 * then the directory can't be removed, or by the tests for what is left.
 */
export async function removeLeft(directory: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await Deno.remove(directory, { recursive: true });
    } catch (error) {
      const isInUse = error instanceof Error &&
        error.message.startsWith("Directory not empty");
      if (!isInUse || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
