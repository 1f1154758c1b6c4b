/** A lock of the kernel's kind: it ends with its holder, however that ends. */

/**
 * Waits until nobody else holds the lock, and holds it.
 * @param path of a file, which is made if need be and stays
 */
export async function lockFile(path: string): Promise<Disposable> {
  const file = await Deno.open(path, {
    write: true,
    create: true,
    mode: 0o600,
  });
  try {
    await file.lock(true);
  } catch (error) {
    file.close();
    throw error;
  }
  return { [Symbol.dispose]: () => file.close() };
}
