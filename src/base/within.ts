/**
 * Waits for work, but not for ever; the work itself goes on.
 * @returns whether it was done in time
 */
export async function within(
  budgetMs: number,
  work: Promise<unknown>,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), budgetMs);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
