/** Media types of the OCI image-spec 1.1 and of Docker schema 2, as data. */

export const MEDIA_TYPE = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerForeignLayerGzip:
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed:
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
} as const;

export type Compression = "none" | "gzip" | "zstd";

export function isIndex(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.ociIndex ||
    mediaType === MEDIA_TYPE.dockerIndex;
}

export function isManifest(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.ociManifest ||
    mediaType === MEDIA_TYPE.dockerManifest;
}

export function isConfig(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.ociConfig ||
    mediaType === MEDIA_TYPE.dockerConfig;
}

export function isSchema1(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.dockerSchema1 ||
    mediaType === MEDIA_TYPE.dockerSchema1Signed;
}

const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[.+](gzip|zstd))?$/;

export function isLayer(mediaType: string): boolean {
  return LAYER.test(mediaType);
}

/** How a layer's bytes are packed, by its media type; undefined if it is no layer. */
export function layerCompression(mediaType: string): Compression | undefined {
  const match = LAYER.exec(mediaType);
  if (match === null) return undefined;
  return (match[1] as Compression | undefined) ?? "none";
}
