/** Names of images. */

import {
  type Image as WireImage,
  ImagesDefinition,
} from "../../../proto/gen/containerd/services/images/v1/images.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { ImageStore, ImageUpdate, NewImage } from "../../core/image.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromDescriptor } from "../convert/descriptor.ts";
import { fromImage, toImage } from "../convert/images.ts";
import { fromLabels } from "../convert/labels.ts";
import { apiContext } from "./api_context.ts";

export interface ImagesServiceDeps {
  readonly images: ImageStore;
  readonly log: Logger;
}

export function imagesService(
  { images, log }: ImagesServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  return grpcService(ImagesDefinition, {
    get: async (call, { name }) => ({
      image: toImage(await images.get(ctx(call), name)),
    }),
    async list(call, { filters }) {
      const found = images.list(ctx(call), filters);
      return { images: await Array.fromAsync(found, toImage) };
    },
    create: async (call, { image }) => ({
      image: toImage(await images.create(ctx(call), given(image))),
    }),
    async update(call, { image, updateMask = [] }) {
      const wanted = givenUpdate(image, updateMask);
      return {
        image: toImage(await images.update(ctx(call), wanted, updateMask)),
      };
    },
    async delete(call, { name, sync, target }) {
      await images.delete(ctx(call), name, {
        collect: sync ? "synchronous" : "later",
        ...target === undefined ? {} : { target: fromDescriptor(target) },
      });
      return {};
    },
  });
}

/** Who names the fields to change need not say where the image points. */
function givenUpdate(
  image: WireImage | undefined,
  updateMask: readonly string[],
): ImageUpdate {
  const isWhole = updateMask.length === 0 || updateMask.includes("target") ||
    updateMask.includes("annotations");
  if (image === undefined || isWhole) return given(image);
  const { name, labels } = image;
  if (name === "") throw invalidArgument(NAMELESS);
  return { name, labels: fromLabels(labels) };
}

const NAMELESS = "Cannot use an image without a name";

function given(image: WireImage | undefined): NewImage {
  if (image === undefined || image.name === "") {
    throw invalidArgument(NAMELESS);
  }
  const wanted = fromImage(image);
  if (wanted.target.size > 0) return wanted;
  throw invalidArgument(
    `Cannot use image "${image.name}": the size of its target is ` +
      `"${wanted.target.size}"`,
  );
}
