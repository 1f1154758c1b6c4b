/** A registry in this process that is honest until a test makes it lie. */

import type { Digest } from "../../src/base/digest.ts";
import type { Descriptor } from "../../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../../src/oci/media_types.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
}

/** Answers a request, or leaves it to the honest registry. */
export type Lie = (
  request: Request,
  seen: Seen,
  honest: () => Promise<Response>,
) => Response | Promise<Response> | undefined;

export interface LyingRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly requests: readonly Seen[];
  lie: Lie;
  addBlob(bytes: Uint8Array<ArrayBuffer>): Promise<Descriptor>;
  addManifest(
    bytes: Uint8Array<ArrayBuffer>,
    tag: string,
    mediaType?: string,
  ): Promise<Descriptor>;
}

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly descriptor: Descriptor;
}

export function startLyingRegistry(
  lie: Lie = () => undefined,
): LyingRegistry {
  const stored = new Map<string, Stored>();
  const requests: Seen[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response("broken", { status: 500 }),
  }, async (request) => {
    const url = new URL(request.url);
    const seen = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
    };
    requests.push(seen);
    const honest = () => Promise.resolve(serve(stored, seen));
    return await registry.lie(request, seen, honest) ?? await honest();
  });
  const add = async (
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    tag?: string,
  ) => {
    const digest = await sha256(bytes);
    const descriptor = { mediaType, digest, size: bytes.length };
    stored.set(digest, { bytes, descriptor });
    if (tag !== undefined) stored.set(tag, { bytes, descriptor });
    return descriptor;
  };
  const registry: LyingRegistry = {
    host: `127.0.0.1:${server.addr.port}`,
    requests,
    lie,
    addBlob: (bytes) => add(bytes, MEDIA_TYPE.ociLayerGzip),
    addManifest: (bytes, tag, mediaType = MEDIA_TYPE.ociManifest) =>
      add(bytes, mediaType, tag),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return registry;
}

function serve(stored: Map<string, Stored>, seen: Seen): Response {
  if (seen.path === "/v2/") return Response.json({});
  const name = seen.path.slice(seen.path.lastIndexOf("/") + 1);
  const found = stored.get(name);
  if (found === undefined) {
    const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
    return Response.json({ errors }, { status: 404 });
  }
  const { bytes, descriptor } = found;
  const range = /^bytes=(\d+)-$/.exec(seen.headers.get("range") ?? "");
  const start = Number(range?.[1] ?? 0);
  const headers = new Headers({
    "content-type": seen.path.includes("/manifests/")
      ? descriptor.mediaType
      : "application/octet-stream",
    "content-length": String(bytes.length - start),
    "docker-content-digest": descriptor.digest,
  });
  if (range !== null) {
    headers.set(
      "content-range",
      `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    );
  }
  const body = seen.method === "HEAD" ? null : bytes.slice(start);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${hash.toHex()}` as Digest;
}

/** Sends `bytes` from `start` and breaks off after `count` of them. */
export function brokenBody(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  count: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(start, start + count));
      // Long enough for what was sent to get out.
      timer = setTimeout(() => controller.error(new Error("broken off")), 30);
    },
    cancel: () => clearTimeout(timer),
  });
}
