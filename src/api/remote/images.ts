/** Names of images in another process. */

import { ImagesDefinition } from "../../../proto/gen/containerd/services/images/v1/images.ts";
import type { ImageStore, ImageUpdate } from "../../core/image.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { toDescriptor } from "../convert/descriptor.ts";
import { fromImageAnswer } from "../convert/images.ts";
import { answered, maskOf } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

export function remoteImages(client: GrpcClient): ImageStore {
  const images = client.stub(ImagesDefinition);
  return {
    async get(ctx, name) {
      const { image } = await images.get({ name }, call(ctx));
      return fromImageAnswer(answered(image, "image"));
    },
    async *list(ctx, filters = []) {
      const found = await images.list({ filters: [...filters] }, call(ctx));
      for (const image of found.images) yield fromImageAnswer(image);
    },
    async create(ctx, image) {
      const request = { image: wireOf(image), sourceDateEpoch: undefined };
      const made = await images.create(request, call(ctx));
      return fromImageAnswer(answered(made.image, "image"));
    },
    async update(ctx, image, fieldPaths) {
      const made = await images.update({
        image: wireOf(image),
        updateMask: maskOf(fieldPaths),
        sourceDateEpoch: undefined,
      }, call(ctx));
      return fromImageAnswer(answered(made.image, "image"));
    },
    async delete(ctx, name, { collect, target } = {}) {
      await images.delete({
        name,
        sync: collect === "synchronous",
        target: target === undefined ? undefined : toDescriptor(target),
      }, call(ctx));
    },
  };
}

/** The other side sets the times; what is left out stays as it is. */
function wireOf({ name, target, labels = {} }: ImageUpdate) {
  return {
    name,
    labels: { ...labels },
    target: target === undefined ? undefined : toDescriptor(target),
    createdAt: undefined,
    updatedAt: undefined,
  };
}
