/** The calls of one connection. */

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { Request, Response } from "../../../proto/gen/ttrpc/ttrpc.ts";
import { statusOf } from "../status.ts";
import type { Channel } from "./channel.ts";
import { FLAG, FRAME, type Frame, MOST_BYTES } from "./frame.ts";
import { heed } from "./heed.ts";
import type { CallInfo } from "./method.ts";
import { MessageQueue } from "./queue.ts";
import { decoded, type ServedMethod, type ServedService } from "./service.ts";

/** A call that is being answered. */
interface OpenCall {
  readonly input: MessageQueue;
  readonly abort: AbortController;
}

interface ServerConnectionOptions {
  readonly channel: Channel;
  readonly services: ReadonlyMap<string, ServedService>;
  /** Gets what handlers are still at when nobody waits for them any more. */
  readonly leave: (rest: Promise<void>) => void;
}

/** Who calls and does not read the answers must wait with the next call. */
const MOST_UNSENT = 8 * 1024 * 1024;

export class ServerConnection {
  readonly #channel: Channel;
  readonly #options: ServerConnectionOptions;
  readonly #calls = new Map<number, OpenCall>();
  readonly #answers = new Set<Promise<void>>();
  #lastStream = 0;

  constructor(options: ServerConnectionOptions) {
    this.#channel = options.channel;
    this.#options = options;
  }

  async run(): Promise<void> {
    for await (const frame of this.#channel.frames()) {
      // Closed by us: what has come before is not begun.
      if (!this.#channel.isOpen) break;
      await this.#receive(frame);
      if (this.#channel.unsentBytes > MOST_UNSENT) await this.#channel.flushed;
    }
    this.close();
    await Promise.all(this.#answers);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#answers);
  }

  close(): void {
    const gone = new EngineError("cancelled", "The caller has gone");
    for (const { abort, input } of this.#calls.values()) {
      abort.abort(gone);
      input.end(gone);
    }
    this.#channel.close();
  }

  async #receive(frame: Frame): Promise<void> {
    if (frame.type === FRAME.data) return await this.#receiveData(frame);
    if (frame.type !== FRAME.request) return;
    const { stream, payload } = frame;
    // Numbers of streams are odd and never come again.
    if (stream % 2 !== 1 || stream <= this.#lastStream) {
      const message = `Cannot open stream ${stream}`;
      return await this.#end(stream, invalidArgument(message));
    }
    this.#lastStream = stream;
    if (payload === undefined) {
      return await this.#end(stream, tooLong());
    }
    this.#open(frame, payload);
  }

  async #receiveData({ stream, flags, payload }: Frame): Promise<void> {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    if (payload === undefined) call.input.end(tooLong());
    else if ((flags & FLAG.noData) === 0) await call.input.push(payload);
    if ((flags & FLAG.closed) !== 0) call.input.end();
  }

  #open({ stream, flags }: Frame, payload: Uint8Array): void {
    const call: OpenCall = {
      input: new MessageQueue(),
      abort: new AbortController(),
    };
    if ((flags & FLAG.open) === 0) call.input.end();
    this.#calls.set(stream, call);
    const answer = this.#answer(stream, call, payload).finally(() => {
      this.#calls.delete(stream);
      this.#answers.delete(answer);
      call.input.abandon();
    });
    this.#answers.add(answer);
  }

  async #answer(
    stream: number,
    { input, abort }: OpenCall,
    payload: Uint8Array,
  ): Promise<void> {
    try {
      const request = decoded(Request, payload);
      const method = this.#find(request);
      using _deadline = deadline(request.timeoutNano, abort);
      const call: CallInfo = {
        metadata: new Map(
          request.metadata.map(({ key, value }) => [key, value]),
        ),
        signal: abort.signal,
      };
      // Nothing takes what comes besides the request.
      if (!method.isStream) input.abandon();
      const answers = heed(
        method.answer(call, request.payload, input),
        abort.signal,
        this.#options.leave,
      );
      if (method.isStream) await this.#sendStream(stream, answers);
      else await this.#sendSingle(stream, answers);
    } catch (error) {
      await this.#end(stream, error);
    }
  }

  #find({ service, method }: Request): ServedMethod {
    const { services } = this.#options;
    const found = services.get(service)?.methods.get(method);
    if (found !== undefined) return found;
    const known = services.has(service) ? "method" : "service";
    throw new EngineError(
      "unimplemented",
      `Cannot call "${service}/${method}": there is no such ${known}`,
    );
  }

  async #sendSingle(
    stream: number,
    answers: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    for await (const payload of answers) {
      const response = { status: undefined, payload };
      await this.#channel.send(
        { stream, type: FRAME.response, flags: 0 },
        Response.encode(response).finish(),
      );
    }
  }

  async #sendStream(
    stream: number,
    answers: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    for await (const payload of answers) {
      await this.#channel.send(
        { stream, type: FRAME.data, flags: 0 },
        payload,
      );
    }
    const flags = FLAG.closed | FLAG.noData;
    const nothing = new Uint8Array();
    await this.#channel.send({ stream, type: FRAME.data, flags }, nothing);
  }

  /** Tells of a failure. Whom there is nobody to tell of, is not told. */
  async #end(stream: number, error: unknown): Promise<void> {
    const status = { ...statusOf(error), details: [] };
    const response = { status, payload: new Uint8Array() };
    await this.#channel.send(
      { stream, type: FRAME.response, flags: FLAG.closed },
      Response.encode(response).finish(),
    ).catch(() => {});
  }
}

function tooLong(): EngineError {
  return new EngineError(
    "resourceExhausted",
    `Cannot take a message of more than ${MOST_BYTES} bytes`,
  );
}

const NANOS_PER_MS = 1_000_000n;
/** What timers can count to. */
const MOST_MS = 2 ** 31 - 1;

/** Timers are loaded by those who need one only. */
function deadline(timeoutNano: bigint, abort: AbortController): Disposable {
  const ms = Number(timeoutNano / NANOS_PER_MS);
  if (timeoutNano <= 0n || ms > MOST_MS) return { [Symbol.dispose]() {} };
  const timer = setTimeout(
    () => abort.abort(new EngineError("deadlineExceeded", "It took too long")),
    ms,
  );
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
