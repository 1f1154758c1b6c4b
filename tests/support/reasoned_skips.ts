/** Suites of which some steps can't be kept, each for a reason. */

/**
 * @param reasons name of a step → why it is left out; all must be there, so
 * that none is left out for a reason of yesterday
 */
export async function withSkips(
  t: Deno.TestContext,
  reasons: Readonly<Record<string, string>>,
  suite: (t: Deno.TestContext) => Promise<void>,
): Promise<void> {
  const unused = new Set(Object.keys(reasons));
  const step = async (name: string, fn: () => Promise<void>) => {
    const ignore = unused.delete(name);
    return await t.step({ name, ignore, fn });
  };
  await suite({ ...t, step } as Deno.TestContext);
  if (unused.size === 0) return;
  throw new Error(`There are no such steps: ${[...unused].join(", ")}`);
}
