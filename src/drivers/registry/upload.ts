/**
 * Uploads one blob: in one piece if it is small, else as one long chunk that
 * is taken up again where the registry lost it.
 * @see OCI distribution-spec 1.1, "Pushing blobs"
 */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { PushSource } from "../../core/registry.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { RegistryClient } from "./client.ts";
import type { Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import type { Responded } from "./http.ts";
import { UploadGuard } from "./upload_guard.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Up to this size a blob goes in one request, with its length said. */
const WHOLE_SIZE = 4 * 1024 * 1024;

export interface UploadJob {
  readonly client: RegistryClient;
  readonly host: RegistryHost;
  /** Repository. */
  readonly path: string;
  readonly scopes: readonly string[];
  readonly descriptor: Descriptor;
  readonly source: PushSource;
}

/** Undefined if the blob is there now. */
export async function upload(
  ctx: Context,
  job: UploadJob,
  location: URL | undefined,
): Promise<Refusal | undefined> {
  const { timing, clock } = job.client.deps;
  let at = location;
  let offset = 0;
  for (let attempt = 1;; attempt++) {
    if (at === undefined) {
      const started = await startUpload(ctx, job);
      if ("said" in started) return started;
      at = started;
      offset = 0;
    }
    const result = await uploadFrom(ctx, job, at, offset);
    if (result.kind === "done") return undefined;
    const { refusal } = result;
    if (!mayGoOn(refusal) || attempt >= timing.attempts) return refusal;
    ctx.log.debug("Taking up an upload again", {
      digest: job.descriptor.digest,
      said: refusal.said,
    });
    await clock.sleep(timing.backoffMs * 2 ** (attempt - 1), ctx.signal);
    const status = await uploadStatus(ctx, job, result.location);
    at = status?.location;
    offset = status?.offset ?? 0;
  }
}

/** Also where the registry has forgotten the upload: it is begun anew. */
function mayGoOn({ retry, status }: Refusal): boolean {
  return retry !== "never" || status === 404 || status === 416;
}

/** Where to upload to. */
export async function startUpload(
  ctx: Context,
  { client, host, path, scopes }: UploadJob,
): Promise<URL | Refusal> {
  const answer = await client.send(ctx, host, {
    method: "POST",
    path: `/${path}/blobs/uploads/`,
    scopes,
    headers: { "content-length": "0" },
    timeoutMs: client.deps.timing.uploadTimeoutMs,
  });
  if (answer.kind === "refused") return answer.refusal;
  await answer.response.body?.cancel();
  return locationOf(answer, host) ?? noLocation();
}

/** Relative or absolute; never from https back to http on the same host. */
export function locationOf(
  { response, url }: Responded,
  { base }: RegistryHost,
): URL | undefined {
  const text = response.headers.get("location");
  if (text === null || !URL.canParse(text, url)) return undefined;
  const location = new URL(text, url);
  if (location.host === base.host && url.protocol === "https:") {
    location.protocol = "https:";
  }
  return location;
}

type Uploaded =
  | { readonly kind: "done" }
  | {
    readonly kind: "broken";
    readonly refusal: Refusal;
    /** Where the upload can be asked about. */
    readonly location: URL;
  };

async function uploadFrom(
  ctx: Context,
  job: UploadJob,
  location: URL,
  offset: number,
): Promise<Uploaded> {
  const { descriptor, source, client } = job;
  if (offset === 0 && descriptor.size <= WHOLE_SIZE) {
    const bytes = await readAll(await source.open(0), descriptor.size);
    return await finish(ctx, job, location, bytes);
  }
  if (offset === descriptor.size) return await finish(ctx, job, location);
  const end = descriptor.size - 1;
  using guard = new UploadGuard(client.deps.timing, ctx.signal);
  const answer = await client.send({ ...ctx, signal: guard.signal }, job.host, {
    method: "PATCH",
    path: location,
    scopes: job.scopes,
    headers: {
      "content-type": "application/octet-stream",
      ...(offset === 0 ? {} : { "content-range": `${offset}-${end}` }),
    },
    body: async () =>
      guard.watch(
        await source.open(offset),
        (sent) => source.onProgress?.(offset + sent),
      ),
    repeats: "never",
    timeoutMs: "caller",
  }).catch((error) => guard.explain(error));
  if (answer.kind === "refused") {
    return { kind: "broken", refusal: answer.refusal, location };
  }
  await answer.response.body?.cancel();
  return await finish(ctx, job, locationOf(answer, job.host) ?? location);
}

/** Says which digest the upload has; the bytes too if it was not sent before. */
async function finish(
  ctx: Context,
  { client, host, scopes, descriptor, source }: UploadJob,
  location: URL,
  bytes?: Bytes,
): Promise<Uploaded> {
  const answer = await client.send(ctx, host, {
    method: "PUT",
    path: location,
    query: { digest: descriptor.digest },
    scopes,
    headers: { "content-type": "application/octet-stream" },
    body: () => Promise.resolve(bytes ?? new Uint8Array()),
    timeoutMs: client.deps.timing.uploadTimeoutMs,
    repeats: "never",
  });
  if (answer.kind === "refused") {
    return { kind: "broken", refusal: answer.refusal, location };
  }
  await answer.response.body?.cancel();
  source.onProgress?.(descriptor.size);
  return { kind: "done" };
}

/** How much of an upload arrived; undefined if it is to be begun anew. */
async function uploadStatus(
  ctx: Context,
  { client, host, scopes, descriptor }: UploadJob,
  location: URL,
): Promise<{ location: URL; offset: number } | undefined> {
  const answer = await client.send(ctx, host, {
    method: "GET",
    path: location,
    scopes,
    repeats: "never",
  });
  if (answer.kind === "refused") return undefined;
  await answer.response.body?.cancel();
  const range = /^(?:bytes=)?0-(\d+)$/
    .exec(answer.response.headers.get("range") ?? "");
  const offset = Number(range?.[1] ?? 0) + 1;
  // "0-0" stands for one byte by the specification, for none in practice.
  if (range === null || offset <= 1 || offset > descriptor.size) {
    return undefined;
  }
  return { location: locationOf(answer, host) ?? location, offset };
}

async function readAll(
  stream: ReadableStream<Bytes>,
  size: number,
): Promise<Bytes> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of stream) {
    if (at + chunk.length > size) break;
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at === size) return bytes;
  throw new EngineError(
    "dataLoss",
    `Cannot push a blob of ${size} bytes: the store holds other than that`,
  );
}

function noLocation(): Refusal {
  return {
    code: "unavailable",
    said: "it names no place to upload to",
    retry: "never",
  };
}
