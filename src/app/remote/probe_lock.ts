/**
 * Keeps apart who pauses a container and who starts a process in it to ask how
 * it is: runc's process would freeze half-made, and its shim wait for it, with
 * all who want something of the shim.
 */

const NAME = "probe.lock";

/**
 * Waits until nobody does either.
 * @param bundle of the container on this side, which may be going
 */
export async function lockProbes(
  bundle: string,
): Promise<Disposable | undefined> {
  try {
    const path = `${bundle}/${NAME}`;
    const file = await Deno.open(path, { write: true, create: true });
    await file.lock(true);
    return file;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
