import { EngineError, hasCode } from "../../base/errors.ts";

/**
 * Containerd has no code for what a runtime can't do, and none of ours would
 * say so: it is no bug.
 * @param what after "Cannot": `pause container "web"`
 */
export async function told<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!hasCode(error, "unknown", "internal")) throw error;
    const reason = error.message.replace(/\s*: unknown$/, "");
    throw new EngineError(
      "failedPrecondition",
      `Cannot ${what}: ${reason}`,
      { cause: error },
    );
  }
}
