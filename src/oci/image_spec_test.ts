import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import {
  parseDescriptor,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "./image_spec.ts";
import { layerCompression, MEDIA_TYPE } from "./media_types.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const bytes = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));

Deno.test("parseManifest() keeps unknown fields and checks descriptors", () => {
  const manifest = parseManifest(bytes({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, digest: DIGEST, size: 2 },
    layers: [{ mediaType: "x", digest: DIGEST, size: 7, urls: ["u"] }],
    annotations: { a: "b" },
  }));
  assertEquals(manifest.layers[0]?.urls, ["u"]);
  assertEquals(manifest.annotations, { a: "b" });
});

Deno.test("parseManifest() refuses schema 1 in words", () => {
  const error = assertThrows(
    () => parseManifest(bytes({ schemaVersion: 1, fsLayers: [] })),
    EngineError,
    "schema version 1",
  );
  assertEquals(error.code, "invalidArgument");
});

Deno.test("parseDescriptor() refuses sizes and digests that lie", () => {
  for (const size of [-1, 1.5, "7", null, 2 ** 60]) {
    assertThrows(
      () => parseDescriptor({ mediaType: "", digest: DIGEST, size }),
      EngineError,
    );
  }
  assertThrows(
    () => parseDescriptor({ mediaType: "", digest: "sha256:x", size: 1 }),
    EngineError,
    `"sha256:x"`,
  );
});

Deno.test("parseIndex() and parseImageConfig() name what is missing", () => {
  assertThrows(() => parseIndex(bytes({})), EngineError, `"manifests"`);
  assertThrows(
    () => parseImageConfig(bytes({ os: "linux" })),
    EngineError,
    `"rootfs.diff_ids"`,
  );
  const notJson = new TextEncoder().encode("<html>");
  assertThrows(() => parseIndex(notJson), EngineError, "not JSON");
});

Deno.test("layerCompression() reads OCI's, Docker's and foreign layers", () => {
  assertEquals(layerCompression(MEDIA_TYPE.ociLayer), "none");
  assertEquals(layerCompression(MEDIA_TYPE.ociLayerZstd), "zstd");
  assertEquals(layerCompression(MEDIA_TYPE.dockerLayerGzip), "gzip");
  assertEquals(layerCompression(MEDIA_TYPE.dockerForeignLayerGzip), "gzip");
  assertEquals(
    layerCompression(
      "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ),
    "zstd",
  );
  assertEquals(layerCompression(MEDIA_TYPE.ociManifest), undefined);
});
