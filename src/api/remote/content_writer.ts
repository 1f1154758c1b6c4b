/**
 * One ingest in another process: a conversation in which each message is
 * answered before the next one is sent.
 */

import {
  type ContentDefinition,
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
} from "../../../proto/gen/containerd/services/content/v1/content.ts";
import type { Context } from "../../base/context.ts";
import { type Digest, parseDigest } from "../../base/digest.ts";
import {
  EngineError,
  failedPrecondition,
  hasCode,
  unavailable,
} from "../../base/errors.ts";
import type {
  CommitOptions,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "../../core/content.ts";
import type { GrpcStub } from "../../rpc/grpc/method.ts";
import { grpcOptions } from "./grpc_options.ts";

/** Of one message. */
const MOST_BYTES = 1024 * 1024;

type WriteCalls = Pick<
  GrpcStub<typeof ContentDefinition>,
  "write" | "abort"
>;

/** @throws {EngineError} `alreadyExists`; `unavailable` if it is being written */
export async function openRemoteWriter(
  content: WriteCalls,
  ctx: Context,
  ref: string,
  { digest, size }: ExpectedContent,
): Promise<ContentWriter> {
  const requests = new Requests();
  const answers = content.write(requests.sent(), grpcOptions(ctx));
  const writer = new RemoteWriter(
    { content, ctx },
    ref,
    requests,
    answers,
    digest,
  );
  try {
    await writer.begin(size ?? 0);
    return writer;
  } catch (error) {
    requests.end();
    throw error;
  }
}

/** What is sent, one message after the other. */
class Requests {
  #next = Promise.withResolvers<WriteContentRequest | undefined>();

  send(request: WriteContentRequest): void {
    this.#next.resolve(request);
  }

  end(): void {
    this.#next.resolve(undefined);
  }

  async *sent(): AsyncGenerator<WriteContentRequest> {
    for (;;) {
      const request = await this.#next.promise;
      if (request === undefined) return;
      this.#next = Promise.withResolvers();
      yield request;
    }
  }
}

class RemoteWriter implements ContentWriter {
  readonly #content: WriteCalls;
  readonly #ctx: Context;
  readonly #ref: string;
  readonly #requests: Requests;
  readonly #answers: AsyncIterator<WriteContentResponse>;
  readonly #expected: Digest | undefined;
  /** Bytes that the other side has. */
  #offset = 0;
  #total = 0;
  #state: "open" | "ended" = "open";

  constructor(
    { content, ctx }: {
      readonly content: WriteCalls;
      readonly ctx: Context;
    },
    ref: string,
    requests: Requests,
    answers: AsyncIterable<WriteContentResponse>,
    expected: Digest | undefined,
  ) {
    this.#content = content;
    this.#ctx = ctx;
    this.#ref = ref;
    this.#requests = requests;
    this.#answers = answers[Symbol.asyncIterator]();
    this.#expected = expected;
  }

  async begin(total: number): Promise<void> {
    this.#total = total;
    await this.#ask(WriteAction.STAT, { total });
  }

  async status(): Promise<IngestStatus> {
    const answer = await this.#ask(WriteAction.STAT);
    return {
      ref: this.#ref,
      offset: Number(answer.offset),
      total: Number(answer.total),
      ...this.#expected === undefined ? {} : { expected: this.#expected },
      startedAt: answer.startedAt ?? new Date(0),
      updatedAt: answer.updatedAt ?? new Date(0),
    };
  }

  async write(chunk: Uint8Array): Promise<void> {
    const end = this.#offset + chunk.length;
    if (this.#total > 0 && end > this.#total) {
      throw new EngineError(
        "outOfRange",
        `Cannot write ${end} bytes to ingest "${this.#ref}" of ${this.#total}`,
      );
    }
    for (let at = 0; at < chunk.length; at += MOST_BYTES) {
      const data = chunk.subarray(at, at + MOST_BYTES);
      await this.#ask(WriteAction.WRITE, { data });
    }
  }

  async digest(): Promise<Digest> {
    return parseDigest((await this.#ask(WriteAction.STAT)).digest);
  }

  async truncate(size: number): Promise<void> {
    if (size !== 0) {
      throw failedPrecondition(
        `Cannot cut ingest "${this.#ref}" to ${size} bytes, only to none`,
      );
    }
    // Going on from the beginning is how the wire says it.
    this.#offset = 0;
    await this.#ask(WriteAction.WRITE);
  }

  async commit(
    _ctx: Context,
    { size = 0, digest = this.#expected, labels = {} }: CommitOptions = {},
  ): Promise<Digest> {
    try {
      const answer = await this.#ask(WriteAction.COMMIT, {
        total: size === 0 ? this.#total : size,
        expected: digest,
        labels,
      });
      return parseDigest(answer.digest);
    } catch (error) {
      // Some leave bytes that are not what they should be.
      if (hasCode(error, "failedPrecondition")) await this.#drop();
      throw error;
    } finally {
      await this.#end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #ask(
    action: WriteAction,
    { data = new Uint8Array(), total = 0, expected, labels = {} }: {
      readonly data?: Uint8Array;
      readonly total?: number;
      readonly expected?: Digest | undefined;
      readonly labels?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<WriteContentResponse> {
    this.#requests.send({
      ...{ action, ref: this.#ref, data, labels: { ...labels } },
      total: BigInt(total),
      expected: expected ??
        (action === WriteAction.STAT ? this.#expected ?? "" : ""),
      offset: BigInt(this.#offset),
    });
    let answer: IteratorResult<WriteContentResponse>;
    try {
      answer = await this.#answers.next();
    } catch (error) {
      this.#state = "ended";
      this.#requests.end();
      throw error;
    }
    if (answer.done === true) {
      this.#state = "ended";
      throw unavailable(
        `Cannot go on with ingest "${this.#ref}": it was let go`,
      );
    }
    this.#offset = Number(answer.value.offset);
    return answer.value;
  }

  async #drop(): Promise<void> {
    try {
      await this.#content.abort({ ref: this.#ref }, grpcOptions(this.#ctx));
    } catch (error) {
      if (!hasCode(error, "notFound", "unavailable")) throw error;
    }
  }

  /** The other side lets go of the ingest before it ends the call. */
  async #end(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#requests.end();
    try {
      while ((await this.#answers.next()).done !== true);
    } catch {
      // The call has ended, which is what matters.
    }
  }
}
