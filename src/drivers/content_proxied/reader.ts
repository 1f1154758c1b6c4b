import type { Digest } from "../../base/digest.ts";
import { dataLoss, hasCode } from "../../base/errors.ts";
import type { ContentReader } from "../../core/content.ts";

export interface RecordedBlob {
  readonly digest: Digest;
  /** Of the plugin that has it. */
  readonly keeper: string;
}

/** Of a blob that there is a record of, so that it has to be there. */
export function recordedReader(
  { digest, keeper }: RecordedBlob,
  reader: ContentReader,
): ContentReader {
  return {
    size: reader.size,
    readAt: async (buffer, offset) => {
      try {
        return await reader.readAt(buffer, offset);
      } catch (error) {
        if (!hasCode(error, "notFound")) throw error;
        throw dataLoss(`Cannot read content "${digest}": "${keeper}" lost it`, {
          cause: error,
          hint: "Pull the image again",
        });
      }
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}
