/** Images made by hand, and a store to pull them into. */

import { background, type Context } from "../src/base/context.ts";
import type { Digest } from "../src/base/digest.ts";
import { digestOf } from "../src/base/hash.ts";
import { silentLogger } from "../src/base/log.ts";
import { connect, type Connection } from "../src/app/connect.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { mountsBelow } from "../src/sys/mount_info.ts";
import { tryUnmount } from "../src/sys/mount.ts";

export const isRoot = Deno.uid() === 0;

export interface TestStore extends AsyncDisposable {
  readonly path: string;
  readonly connection: Connection;
}

/** A store in a directory of its own, removed in the end. */
export async function openStore(path?: string): Promise<TestStore> {
  const base = path ??
    await Deno.realPath(await Deno.makeTempDir({ prefix: "coracle-pull-" }));
  const connection = await connect({
    root: `${base}/root`,
    state: `${base}/state`,
    log: silentLogger,
  });
  return {
    path: base,
    connection,
    [Symbol.asyncDispose]: async () => {
      await connection[Symbol.asyncDispose]();
      if (path === undefined) await removeStore(base);
    },
  };
}

export async function removeStore(path: string): Promise<void> {
  for (const { mountPoint } of mountsBelow(path)) {
    tryUnmount(mountPoint, "detach");
  }
  await Deno.remove(path, { recursive: true });
}

export const ctx: Context = background();

type Bytes = Uint8Array<ArrayBuffer>;

export interface MadeImage {
  readonly manifest: Descriptor;
  readonly blobs: readonly { readonly bytes: Bytes; readonly at: Descriptor }[];
  readonly manifestBytes: Bytes;
  readonly diffIds: readonly Digest[];
}

export interface MadeLayer {
  readonly tar: Bytes;
  /** By default gzip. */
  readonly compression?: "none" | "gzip";
}

/** An image for this machine with the given layers. */
export async function makeImage(
  layers: readonly MadeLayer[],
): Promise<MadeImage> {
  const diffIds = await Promise.all(layers.map(({ tar }) => digestOf(tar)));
  const blobs = await Promise.all(
    layers.map(async ({ tar, compression }) =>
      compression === "none"
        ? await blobOf(tar, MEDIA_TYPE.ociLayer)
        : await blobOf(await gzip(tar), MEDIA_TYPE.ociLayerGzip)
    ),
  );
  const config = await blobOf(
    jsonBytes({
      os: "linux",
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      config: { Cmd: ["/bin/true"] },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
    MEDIA_TYPE.ociConfig,
  );
  const manifestBytes = jsonBytes({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: config.at,
    layers: blobs.map(({ at }) => at),
  });
  const { at: manifest } = await blobOf(manifestBytes, MEDIA_TYPE.ociManifest);
  return { manifest, manifestBytes, diffIds, blobs: [...blobs, config] };
}

async function blobOf(bytes: Bytes, mediaType: string) {
  const digest = await digestOf(bytes);
  return { bytes, at: { mediaType, digest, size: bytes.length } };
}

function jsonBytes(value: unknown): Bytes {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function gzip(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Puts the image into a registry, as any client would. */
export async function upload(
  { manifestBytes, manifest, blobs }: MadeImage,
  host: string,
  name: string,
): Promise<void> {
  const base = `http://${host}/v2/${name}`;
  for (const { bytes, at } of blobs) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    await begun.body?.cancel();
    const place = new URL(begun.headers.get("location") ?? "", base);
    place.searchParams.set("digest", at.digest);
    await expectCreated(fetch(place, { method: "PUT", body: bytes }));
  }
  await expectCreated(fetch(`${base}/manifests/latest`, {
    method: "PUT",
    body: manifestBytes,
    headers: { "content-type": manifest.mediaType },
  }));
}

async function expectCreated(response: Promise<Response>): Promise<void> {
  const { status, body } = await response;
  await body?.cancel();
  if (status !== 201) throw new Error(`The registry answers ${status}`);
}
