/** Content: what is stored under its digest, and what is being written. */

import {
  ContentDefinition,
  type ReadContentRequest,
  type WriteContentRequest,
} from "../../../proto/gen/containerd/services/content/v1/content.ts";
import type { Context } from "../../base/context.ts";
import { parseDigest } from "../../base/digest.ts";
import type { Logger } from "../../base/log.ts";
import type { ContentInfo, ContentStore } from "../../core/content.ts";
import { readContent } from "../../engine/content_read.ts";
import { writeContent, type WriteStep } from "../../engine/content_write.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import {
  fromInfo,
  fromWriteRequest,
  toInfo,
  toStatus,
  toWriteResponse,
} from "../convert/content.ts";
import { apiContext } from "./api_context.ts";

export interface ContentServiceDeps {
  readonly content: ContentStore;
  readonly log: Logger;
}

/** Of one message of a list. */
const MOST_INFOS = 100;

export function contentService(
  { content, log }: ContentServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  return grpcService(ContentDefinition, {
    info: async (call, { digest }) => ({
      info: toInfo(await content.info(ctx(call), parseDigest(digest))),
    }),
    async update(call, { info, updateMask }) {
      const wanted = fromInfo(info);
      return {
        info: toInfo(await content.update(ctx(call), wanted, updateMask)),
      };
    },
    async *list(call, { filters }) {
      for await (const infos of blocks(content.walk(ctx(call), filters))) {
        yield { info: infos.map(toInfo) };
      }
    },
    async delete(call, { digest }) {
      await content.delete(ctx(call), parseDigest(digest));
      return {};
    },
    read: (call, request) => read(ctx(call), content, request),
    status: async (call, { ref }) => ({
      status: toStatus(await content.status(ctx(call), ref)),
    }),
    async listStatuses(call, { filters }) {
      const found = content.listStatuses(ctx(call), filters);
      return { statuses: await Array.fromAsync(found, toStatus) };
    },
    async *write(call, requests) {
      const context = ctx(call);
      const steps = stepsOf(requests);
      for await (const progress of writeContent(context, content, steps)) {
        yield toWriteResponse(progress);
      }
    },
    async abort(call, { ref }) {
      await content.abort(ctx(call), ref);
      return {};
    },
  });
}

/** The offsets in the answers are those of what is read, not of the content. */
async function* read(
  ctx: Context,
  content: ContentStore,
  { digest, offset, size }: ReadContentRequest,
) {
  const range = { offset: Number(offset), size: Number(size) };
  let at = 0;
  const bytes = readContent(ctx, content, parseDigest(digest), range);
  for await (const data of bytes) {
    yield { offset: BigInt(at), data };
    at += data.length;
  }
}

async function* stepsOf(
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<WriteStep> {
  for await (const request of requests) yield fromWriteRequest(request);
}

async function* blocks(
  infos: AsyncIterable<ContentInfo>,
): AsyncGenerator<readonly ContentInfo[]> {
  let block: ContentInfo[] = [];
  for await (const info of infos) {
    block.push(info);
    if (block.length < MOST_INFOS) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
