/** Manifests: their descriptors by name, and their bytes by digest. */

import type { Context } from "../../base/context.ts";
import { type Digest, isDigest } from "../../base/digest.ts";
import type { Reference } from "../../base/reference.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../../oci/image_spec.ts";
import { isSchema1, MEDIA_TYPE } from "../../oci/media_types.ts";
import { readSmall } from "./body.ts";
import type { RegistryClient } from "./client.ts";
import type { Responded } from "./http.ts";
import { bounded, type Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";

/** Schema 1 is asked for last, so that it can be refused in words. */
export const MANIFEST_ACCEPT = [
  MEDIA_TYPE.ociIndex,
  MEDIA_TYPE.dockerIndex,
  MEDIA_TYPE.ociManifest,
  MEDIA_TYPE.dockerManifest,
  "*/*;q=0.1",
].join(", ");

export function pullScope(path: string): string {
  return `repository:${path}:pull`;
}

/**
 * The descriptor of what a reference names: by HEAD, which is free of rate
 * limits, by GET where a host's HEAD does not say enough.
 */
export async function headManifest(
  ctx: Context,
  client: RegistryClient,
  host: RegistryHost,
  reference: Reference,
): Promise<Descriptor | Refusal> {
  const name = reference.digest ?? reference.tag ?? "";
  const request = {
    path: `/${reference.path}/manifests/${name}`,
    headers: { accept: MANIFEST_ACCEPT },
    scopes: [pullScope(reference.path)],
  };
  const head = await client.send(ctx, host, { ...request, method: "HEAD" });
  if (head.kind === "refused" && !isVague(head.refusal)) return head.refusal;
  if (head.kind === "response") {
    await head.response.body?.cancel();
    const descriptor = describe(head.response.headers);
    if (descriptor !== undefined) return descriptor;
  }
  const got = await client.send(ctx, host, { ...request, method: "GET" });
  if (got.kind === "refused") return got.refusal;
  return await describeBody(client, got);
}

/** Some hosts and proxies don't know HEAD; others give no reason with it. */
function isVague({ status }: Refusal): boolean {
  return status !== undefined && [400, 403, 405, 406, 501].includes(status);
}

function describe(headers: Headers): Descriptor | undefined {
  const digest = headers.get("docker-content-digest") ?? "";
  const size = Number(headers.get("content-length") ?? NaN);
  const mediaType = mediaTypeOf(headers);
  const isSaying = mediaType.startsWith("application/vnd.");
  if (!isDigest(digest) || !(size > 0) || !isSaying) return undefined;
  return { mediaType, digest, size };
}

async function describeBody(
  client: RegistryClient,
  answer: Responded,
): Promise<Descriptor | Refusal> {
  const bytes = await readManifest(client, answer);
  if ("said" in bytes) return bytes;
  const claimed = answer.response.headers.get("docker-content-digest");
  const digest = await sha256(bytes);
  if (claimed?.startsWith("sha256:") && claimed !== digest) {
    return lie(`it says "${claimed}" and sends "${digest}"`);
  }
  const mediaType = sniffMediaType(bytes, mediaTypeOf(answer.response.headers));
  if (mediaType === undefined) return lie("what it sends is no manifest");
  return { mediaType, digest, size: bytes.length };
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
}

/** The manifest's own word, where the host has none. */
function sniffMediaType(
  bytes: Uint8Array,
  stated: string,
): string | undefined {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (value["schemaVersion"] === 1) return MEDIA_TYPE.dockerSchema1;
  if (stated.startsWith("application/vnd.") && !isSchema1(stated)) {
    return stated;
  }
  if (typeof value["mediaType"] === "string") return value["mediaType"];
  if (Array.isArray(value["manifests"])) return MEDIA_TYPE.ociIndex;
  return Array.isArray(value["layers"]) ? MEDIA_TYPE.ociManifest : undefined;
}

/**
 * The bytes of a manifest, verified, so that a host that lies is passed over.
 * The digest is not checked here if it is no SHA-256: whoever stores it does.
 */
export async function getManifest(
  ctx: Context,
  client: RegistryClient,
  host: RegistryHost,
  path: string,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  const answer = await client.send(ctx, host, {
    method: "GET",
    path: `/${path}/manifests/${descriptor.digest}`,
    headers: { accept: MANIFEST_ACCEPT },
    scopes: [pullScope(path)],
  });
  if (answer.kind === "refused") return answer.refusal;
  const bytes = await readManifest(client, answer);
  if ("said" in bytes) return bytes;
  if (bytes.length !== descriptor.size) {
    return lie(
      `it sends ${bytes.length} bytes for the ${descriptor.size} of "${descriptor.digest}"`,
    );
  }
  const digest = await sha256(bytes);
  return descriptor.digest.startsWith("sha256:") && digest !== descriptor.digest
    ? lie(`it sends "${digest}" for "${descriptor.digest}"`)
    : bytes;
}

async function readManifest(
  client: RegistryClient,
  answer: Responded,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  const { stallMs } = client.deps.timing;
  try {
    return await readSmall(answer, MAX_MANIFEST_SIZE, stallMs);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return {
      code: "unavailable",
      said: bounded(`its manifest cannot be read: ${reason}`),
      retry: "never",
      cause,
    };
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return `sha256:${new Uint8Array(hash).toHex()}` as Digest;
}

/** A host that answers with what it was not asked for. */
export function lie(said: string): Refusal {
  return {
    code: "dataLoss",
    said,
    retry: "never",
    hint: "The registry, or something on the way to it, is broken",
  };
}
