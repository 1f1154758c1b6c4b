/** Small content from a registry into the store. */

import type { Context } from "../base/context.ts";
import { EngineError, hasCode, unlessMissing } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import type { Labels } from "../core/labels.ts";
import type { Fetcher } from "../core/registry.ts";
import { readBlob } from "../core/verified.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../oci/image_spec.ts";
import { addLabels } from "./images_content.ts";
import { waitForTurn } from "./fetch_turn.ts";

/**
 * The bytes of a manifest, index or config, from the store if they are there,
 * else from the registry, which also stores them.
 *
 * @throws {EngineError} `resourceExhausted` for more than 8 MiB; `dataLoss`
 */
export async function fetchSmall(
  ctx: Context,
  content: ContentStore,
  fetcher: Fetcher,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  if (descriptor.size > MAX_MANIFEST_SIZE) {
    throw new EngineError(
      "resourceExhausted",
      `Cannot fetch "${descriptor.digest}": its ${descriptor.size} bytes are ` +
        `more than ${MAX_MANIFEST_SIZE}`,
    );
  }
  await fetchBlob(ctx, content, fetcher, descriptor);
  return await readBlob(ctx, content, descriptor);
}

/**
 * Stores one blob, of any size, resuming what another process left. Bytes that
 * prove to be wrong are thrown away, and fetched from the next host.
 */
export async function fetchBlob(
  ctx: Context,
  content: ContentStore,
  fetcher: Fetcher,
  descriptor: Descriptor,
  labels: Labels = {},
): Promise<void> {
  for (;;) {
    const wrong = await tryToFetch(ctx, content, fetcher, descriptor, labels);
    if (wrong === undefined) return;
    await unlessMissing(content.abort(ctx, ingestRef(descriptor)));
    // Otherwise it may be what was there before.
    const isWhole = wrong.offset === 0;
    if (isWhole) await fetcher.distrust(ctx, descriptor, wrong.error);
  }
}

interface WrongBytes {
  readonly error: EngineError;
  /** From where on they were fetched. */
  readonly offset: number;
}

async function tryToFetch(
  ctx: Context,
  content: ContentStore,
  fetcher: Fetcher,
  descriptor: Descriptor,
  labels: Labels,
): Promise<WrongBytes | undefined> {
  const { digest, size } = descriptor;
  try {
    await using writer = await waitForTurn(
      ctx,
      () => content.writer(ctx, ingestRef(descriptor), descriptor),
    );
    const { offset } = await writer.status();
    const stream = await fetcher.fetch(ctx, descriptor, { offset });
    try {
      for await (const chunk of stream) await writer.write(chunk);
      await writer.commit(ctx, { digest, size, labels });
    } catch (error) {
      if (!isWrong(error)) throw error;
      return { error, offset };
    }
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    await addLabels(ctx, content, digest, labels);
  }
  return undefined;
}

/** `failedPrecondition` says so when all of it has come, `dataLoss` before. */
function isWrong(error: unknown): error is EngineError {
  return hasCode(error, "failedPrecondition", "dataLoss");
}

/** The name of an ingest, the same in every process that wants the content. */
export function ingestRef({ digest }: Descriptor): string {
  return `blob-${digest}`;
}
