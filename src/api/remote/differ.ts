/** Unpacking and comparing in another process. */

import { DiffDefinition } from "../../../proto/gen/containerd/services/diff/v1/diff.ts";
import { parseDigest } from "../../base/digest.ts";
import type { ContentStore } from "../../core/content.ts";
import type { Differ } from "../../core/diff.ts";
import { LABEL } from "../../core/labels.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { MEDIA_TYPE } from "../../oci/media_types.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromDescriptor, toDescriptor } from "../convert/descriptor.ts";
import { toMount } from "../convert/mounts.ts";
import { answered } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

const MEDIA_TYPES = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
} as const;

/** @param content over there, whose labels tell the diff ID of what is made */
export function remoteDiffer(
  client: GrpcClient,
  content: ContentStore,
): Differ {
  const differ = client.stub(DiffDefinition);
  return {
    async apply(ctx, layer, mounts) {
      const { applied } = await differ.apply({
        diff: toDescriptor(layer),
        mounts: mounts.map(toMount),
        payloads: {},
        syncFs: true,
      }, call(ctx));
      const made = fromDescriptor(answered(applied, "layer"));
      const { digest, size, mediaType } = made;
      return { diffId: digest, size, mediaType };
    },
    async compare(ctx, lower, upper, options = {}) {
      const { compression = "gzip", ref = "", labels = {}, latest } = options;
      const { diff } = await differ.diff({
        left: lower.map(toMount),
        right: upper.map(toMount),
        mediaType: options.mediaType ?? MEDIA_TYPES[compression],
        ref,
        labels: { ...labels },
        sourceDateEpoch: latest,
      }, call(ctx));
      const made = fromDescriptor(answered(diff, "layer"));
      const info = await content.info(ctx, made.digest);
      const diffId = info.labels[LABEL.uncompressed] ?? made.digest;
      return { ...made, diffId: parseDigest(diffId) };
    },
    // deno-lint-ignore require-yield -- there is no such call
    async *changes() {
      await Promise.resolve();
      throw throughSocket("list changed files");
    },
  };
}
