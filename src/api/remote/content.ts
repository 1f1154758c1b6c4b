/** Content in another process. */

import { ContentDefinition } from "../../../proto/gen/containerd/services/content/v1/content.ts";
import { EngineError } from "../../base/errors.ts";
import type {
  ContentInfo,
  ContentReader,
  ContentStore,
  SizedContent,
} from "../../core/content.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromInfoAnswer, fromStatus, toInfo } from "../convert/content.ts";
import { answered, maskOf } from "./answers.ts";
import { openRemoteWriter } from "./content_writer.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** A store that can be read without asking it how large a blob is. */
export type RemoteContent = ContentStore & SizedContent;

export function remoteContent(client: GrpcClient): RemoteContent {
  const content = client.stub(ContentDefinition);
  const store: RemoteContent = {
    sizedReader: (ctx, digest, size) =>
      readerOf({ digest, size }, (offset, length) =>
        content.read(
          { digest, offset: BigInt(offset), size: BigInt(length) },
          call(ctx),
        )),
    async readerAt(ctx, { digest }) {
      const { size } = await store.info(ctx, digest);
      return store.sizedReader(ctx, digest, size);
    },
    writer: (ctx, ref, expected = {}) =>
      openRemoteWriter(content, ctx, ref, expected),
    async status(ctx, ref) {
      const { status } = await content.status({ ref }, call(ctx));
      return fromStatus(answered(status, "status"));
    },
    async *listStatuses(ctx, filters = []) {
      const request = { filters: [...filters] };
      const { statuses } = await content.listStatuses(request, call(ctx));
      for (const status of statuses) yield fromStatus(status);
    },
    async abort(ctx, ref) {
      await content.abort({ ref }, call(ctx));
    },
    async info(ctx, digest) {
      const { info } = await content.info({ digest }, call(ctx));
      return fromInfoAnswer(answered(info, "info"));
    },
    async update(ctx, { digest, labels }, fieldPaths) {
      const epoch = new Date(0);
      const times = { createdAt: epoch, updatedAt: epoch };
      const info = {
        ...toInfo({ digest, labels, size: 0, ...times }),
        ...{ createdAt: undefined, updatedAt: undefined },
      };
      const updateMask = maskOf(fieldPaths);
      const answer = await content.update({ info, updateMask }, call(ctx));
      return fromInfoAnswer(answered(answer.info, "info"));
    },
    async *walk(ctx, filters = []) {
      const request = { filters: [...filters] };
      for await (const { info } of content.list(request, call(ctx))) {
        for (const it of info) yield fromInfoAnswer(it);
      }
    },
    async delete(ctx, digest) {
      await content.delete({ digest }, call(ctx));
    },
  };
  return store;
}

function readerOf(
  { digest, size }: Pick<ContentInfo, "digest" | "size">,
  read: (
    offset: number,
    length: number,
  ) => AsyncIterable<{ readonly data: Uint8Array }>,
): ContentReader {
  return {
    size,
    readAt: async (buffer, offset) => {
      if (offset > size) throw pastTheEnd(digest, offset);
      const wanted = Math.min(buffer.length, size - offset);
      // Asking for no bytes is asking for all of them.
      if (wanted === 0) return 0;
      let at = 0;
      for await (const { data } of read(offset, wanted)) {
        buffer.set(data, at);
        at += data.length;
      }
      return at;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function pastTheEnd(digest: string, offset: number): EngineError {
  return new EngineError(
    "outOfRange",
    `Cannot read content "${digest}" from offset "${offset}": it ends before`,
  );
}
