/** Layers: unpacking them, and making them of what has changed. */

import {
  type ApplyRequest,
  DiffDefinition,
} from "../../../proto/gen/containerd/services/diff/v1/diff.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Differ } from "../../core/diff.ts";
import { MEDIA_TYPE } from "../../oci/media_types.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromDescriptor, toDescriptor } from "../convert/descriptor.ts";
import { fromLabels } from "../convert/labels.ts";
import { fromMount } from "../convert/mounts.ts";
import { apiContext } from "./api_context.ts";

export interface DiffServiceDeps {
  readonly differ: Differ;
  readonly log: Logger;
}

export function diffService({ differ, log }: DiffServiceDeps): GrpcService {
  const ctx = apiContext(log);
  return grpcService(DiffDefinition, {
    async apply(call, request) {
      const { layer, mounts } = fromApply(request);
      const { diffId, size, mediaType = MEDIA_TYPE.ociLayer } = await differ
        .apply(ctx(call), layer, mounts);
      return { applied: toDescriptor({ mediaType, digest: diffId, size }) };
    },
    async diff(call, { left, right, mediaType, ref, labels, ...rest }) {
      const latest = rest.sourceDateEpoch;
      const made = await differ.compare(
        ctx(call),
        left.map(fromMount),
        right.map(fromMount),
        {
          labels: fromLabels(labels),
          ...mediaType === "" ? {} : { mediaType },
          ...ref === "" ? {} : { ref },
          ...latest === undefined ? {} : { latest },
        },
      );
      const { digest, size } = made;
      const type = made.mediaType;
      return { diff: toDescriptor({ mediaType: type, digest, size }) };
    },
  });
}

/**
 * What is unpacked is synchronised in any case. Payloads are for stream
 * processors: clients send them for whatever layer, as nerdctl does with each,
 * and a layer that needs one is of a type that the differ refuses.
 */
function fromApply({ diff, mounts }: ApplyRequest) {
  if (diff === undefined) throw invalidArgument("Cannot apply no layer");
  return { layer: fromDescriptor(diff), mounts: mounts.map(fromMount) };
}
