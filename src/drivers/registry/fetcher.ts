/** Downloads content by its descriptor. @see OCI distribution-spec 1.1, "Pull" */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { formatReference, type Reference } from "../../base/reference.ts";
import type { Fetcher, FetchOptions } from "../../core/registry.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../../oci/image_spec.ts";
import { isIndex, isManifest } from "../../oci/media_types.ts";
import { type OpenBody, resumingStream, skipBytes } from "./body.ts";
import { isRefusal, type RegistryClient } from "./client.ts";
import type { Responded } from "./http.ts";
import { type Refusal, refusalOfError } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import { getManifest, lie, pullScope } from "./manifest.ts";
import { Senders } from "./senders.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export class RegistryFetcher implements Fetcher {
  readonly #client: RegistryClient;
  readonly #reference: Reference;
  readonly #senders: Senders;

  constructor(client: RegistryClient, reference: Reference) {
    this.#client = client;
    this.#reference = reference;
    this.#senders = new Senders();
  }

  async distrust(
    ctx: Context,
    descriptor: Descriptor,
    error: EngineError,
  ): Promise<void> {
    const senders = this.#senders.distrust(descriptor.digest, error);
    if (senders === "nobody") throw error;
    const { domain } = this.#reference;
    const hosts = (await this.#client.hosts(ctx, domain))
      .filter(({ capabilities }) => capabilities.has("pull"));
    if (hosts.length === 0) throw error;
    const attempts = hosts.flatMap((host) => {
      const refusal = this.#senders.refusal(descriptor.digest, host);
      return refusal === undefined ? [] : { host, refusal };
    });
    if (attempts.length === hosts.length) {
      throw this.#client.failure(this.#question(descriptor), attempts);
    }
    ctx.log.warn("A registry host sent what was not asked for", {
      digest: descriptor.digest,
      hosts: senders,
      error,
    });
  }

  async fetch(
    ctx: Context,
    descriptor: Descriptor,
    { offset = 0 }: FetchOptions = {},
  ): Promise<ReadableStream<Bytes>> {
    if (offset < 0 || offset > descriptor.size) {
      throw new EngineError(
        "outOfRange",
        `Cannot fetch "${descriptor.digest}" from byte ${offset}: it has ` +
          `${descriptor.size}`,
      );
    }
    const inline = inlineData(descriptor);
    if (inline !== undefined) return streamOf(inline.subarray(offset));
    // A range that is empty cannot be asked for.
    if (offset > 0 && offset === descriptor.size) {
      return streamOf(new Uint8Array());
    }
    if (isManifest(descriptor.mediaType) || isIndex(descriptor.mediaType)) {
      const bytes = await this.#manifest(ctx, descriptor);
      return streamOf(bytes.subarray(offset));
    }
    const { clock, timing } = this.#client.deps;
    const open = (at: number) => this.#open(ctx, descriptor, at);
    return resumingStream(await open(offset), {
      what: descriptor.digest,
      size: descriptor.size,
      offset,
      signal: ctx.signal,
      clock,
      timing,
      open,
      onResume: (at, error) =>
        ctx.log.debug("Resuming a download", {
          digest: descriptor.digest,
          offset: at,
          error,
        }),
    });
  }

  async #manifest(ctx: Context, descriptor: Descriptor): Promise<Bytes> {
    if (descriptor.size > MAX_MANIFEST_SIZE) {
      throw new EngineError(
        "resourceExhausted",
        `Cannot fetch manifest "${descriptor.digest}": its ${descriptor.size} ` +
          `bytes are more than ${MAX_MANIFEST_SIZE}`,
      );
    }
    const { path } = this.#reference;
    return await this.#firstOf(
      ctx,
      descriptor,
      (host) => getManifest(ctx, this.#client, host, path, descriptor),
    );
  }

  /** Of those that have not sent anything wrong. */
  async #firstOf<T>(
    ctx: Context,
    descriptor: Descriptor,
    ask: (host: RegistryHost) => Promise<T | Refusal>,
  ): Promise<T> {
    const { digest } = descriptor;
    const question = this.#question(descriptor);
    return await this.#client.firstOf(ctx, question, async (host) => {
      const refusal = this.#senders.refusal(digest, host);
      if (refusal !== undefined) return refusal;
      const answer = await ask(host);
      if (!isRefusal(answer)) this.#senders.add(digest, host);
      return answer;
    });
  }

  async #open(
    ctx: Context,
    descriptor: Descriptor,
    offset: number,
  ): Promise<OpenBody> {
    return await this.#firstOf(
      ctx,
      descriptor,
      (host) => this.#openAt(ctx, host, descriptor, offset),
    );
  }

  #question(descriptor: Descriptor) {
    return {
      action: `fetch "${descriptor.digest}" of "${
        formatReference(this.#reference)
      }"`,
      domain: this.#reference.domain,
      capability: "pull",
    } as const;
  }

  async #openAt(
    ctx: Context,
    host: RegistryHost,
    descriptor: Descriptor,
    offset: number,
  ): Promise<OpenBody | Refusal> {
    const { path } = this.#reference;
    const answer = await this.#client.send(ctx, host, {
      method: "GET",
      path: `/${path}/blobs/${descriptor.digest}`,
      ...(offset === 0 ? {} : { headers: { range: `bytes=${offset}-` } }),
      scopes: [pullScope(path)],
    });
    if (answer.kind === "refused") return answer.refusal;
    const wrong = checkResponse(answer.response, descriptor, offset);
    if (wrong !== undefined) {
      answer.abort(new Error(wrong.said));
      return wrong;
    }
    return await this.#bodyAt(answer, offset);
  }

  /** A server that ignores `Range` starts at the beginning: skip to `offset`. */
  async #bodyAt(
    { response, abort }: Responded,
    offset: number,
  ): Promise<OpenBody | Refusal> {
    const stream = response.body ?? streamOf(new Uint8Array());
    const body = { stream, abort };
    if (offset === 0 || response.status === 206) return body;
    try {
      return await skipBytes(body, offset, this.#client.deps.timing.stallMs);
    } catch (error) {
      return refusalOfError(error);
    }
  }
}

/** Says what is wrong before a byte is read; undefined if nothing is. */
function checkResponse(
  { status, headers }: Response,
  { digest, size }: Descriptor,
  offset: number,
): Refusal | undefined {
  const length = headers.get("content-length");
  if (status !== 206) {
    return length === null || Number(length) === size
      ? undefined
      : lie(`it sends ${length} bytes for the ${size} of "${digest}"`);
  }
  const range = headers.get("content-range") ?? "";
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  const isRight = Number(start) === offset &&
    (total === "*" || Number(total) === size);
  return isRight
    ? undefined
    : lie(`it sends the range "${range}" for bytes ${offset} to ${size}`);
}

/** @see OCI image-spec 1.1, "Descriptors", property `data` */
function inlineData({ data, size }: Descriptor): Bytes | undefined {
  if (data === undefined) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(data);
    return bytes.length === size ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function streamOf(bytes: Bytes): ReadableStream<Bytes> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      // The stream takes the buffer: the caller keeps its own.
      if (bytes.length > 0) controller.enqueue(bytes.slice());
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}
