/** Headers of calls. */

/**
 * The first value of a header that may have come more than once, none of which
 * has a comma in it: containerd's clients put what is newest in front.
 */
export function firstValue(
  metadata: ReadonlyMap<string, string>,
  name: string,
): string | undefined {
  return metadata.get(name)?.split(",", 1)[0]?.trim();
}
