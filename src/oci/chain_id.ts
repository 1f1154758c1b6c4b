import { digestOf } from "../base/hash.ts";
import type { Digest } from "../base/digest.ts";

/**
 * Names of the layers as they lie on each other, lowest first: each says what
 * is in it and everything below.
 *
 * @see OCI image-spec 1.1, "Layer ChainID"
 */
export async function chainIds(
  diffIds: readonly Digest[],
): Promise<readonly Digest[]> {
  const chain: Digest[] = [];
  const encoder = new TextEncoder();
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(
      below === undefined
        ? diffId
        : await digestOf(encoder.encode(`${below} ${diffId}`)),
    );
  }
  return chain;
}
