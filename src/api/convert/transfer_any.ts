/** The messages of transfers and of their streams, as values of named types. */

import {
  StreamInit as WireStreamInit,
} from "../../../proto/gen/containerd/services/streaming/v1/streaming.ts";
import * as images from "../../../proto/gen/containerd/types/transfer/imagestore.ts";
import * as archives from "../../../proto/gen/containerd/types/transfer/importexport.ts";
import * as progress from "../../../proto/gen/containerd/types/transfer/progress.ts";
import * as registries from "../../../proto/gen/containerd/types/transfer/registry.ts";
import * as streams from "../../../proto/gen/containerd/types/transfer/streaming.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A message in an Any. */
export interface AnyMessage<T> {
  readonly typeUrl: string;
  pack(message: T): TypedValue;
  /**
   * Undefined if it is of another type.
   * @throws {EngineError} `invalidArgument` for bytes that are no such message
   */
  unpack(any: TypedValue): T | undefined;
}

function message<T>(typeUrl: string, codec: Codec<T>): AnyMessage<T> {
  return {
    typeUrl,
    pack: (message) => ({ typeUrl, value: codec.encode(message).finish() }),
    unpack(any) {
      if (typeName(any) !== typeUrl) return undefined;
      try {
        return codec.decode(any.value);
      } catch (cause) {
        throw invalidArgument(`Cannot read a message of type "${typeUrl}"`, {
          cause,
        });
      }
    },
  };
}

/** What is before the last slash is of no meaning. */
function typeName({ typeUrl }: TypedValue): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

const TYPES = "containerd.types.transfer";

export const StreamInit: AnyMessage<WireStreamInit> = message(
  "containerd.services.streaming.v1.StreamInit",
  WireStreamInit,
);
export const Data: AnyMessage<streams.Data> = message(
  `${TYPES}.Data`,
  streams.Data,
);
export const WindowUpdate: AnyMessage<streams.WindowUpdate> = message(
  `${TYPES}.WindowUpdate`,
  streams.WindowUpdate,
);
export const Progress: AnyMessage<progress.Progress> = message(
  `${TYPES}.Progress`,
  progress.Progress,
);
export const OCIRegistry: AnyMessage<registries.OCIRegistry> = message(
  `${TYPES}.OCIRegistry`,
  registries.OCIRegistry,
);
export const AuthRequest: AnyMessage<registries.AuthRequest> = message(
  `${TYPES}.AuthRequest`,
  registries.AuthRequest,
);
export const AuthResponse: AnyMessage<registries.AuthResponse> = message(
  `${TYPES}.AuthResponse`,
  registries.AuthResponse,
);
export const ImageStore: AnyMessage<images.ImageStore> = message(
  `${TYPES}.ImageStore`,
  images.ImageStore,
);
export const ImageImportStream: AnyMessage<archives.ImageImportStream> =
  message(`${TYPES}.ImageImportStream`, archives.ImageImportStream);
export const ImageExportStream: AnyMessage<archives.ImageExportStream> =
  message(`${TYPES}.ImageExportStream`, archives.ImageExportStream);
