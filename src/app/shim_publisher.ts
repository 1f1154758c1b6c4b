/** Telling containerd of a shim's events: over ttrpc, else by its program. */

import { Any } from "../../proto/gen/google/protobuf/any.ts";
import {
  type EventForwarder,
  remoteEvents,
} from "../api/remote/events_forward.ts";
import { background, type Context } from "../base/context.ts";
import { unavailable } from "../base/errors.ts";
import type { TypedValue } from "../core/container.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { closeFd, makePipe, writeSome } from "../sys/descriptors.ts";
import { type ChildStatus, exitCodeOf, spawn } from "../sys/process.ts";
import type { Reaper } from "../sys/reaper.ts";
import { socketPath } from "./shim_socket.ts";

export interface PublishedEvent {
  readonly topic: string;
  readonly event: TypedValue;
  readonly timestamp: Date;
}

export interface EventSender extends AsyncDisposable {
  /** Settles when containerd has it. */
  send(event: PublishedEvent): Promise<void>;
}

interface PublisherOptions {
  readonly namespace: string;
  /** Of containerd's ttrpc socket; empty if it has none. */
  readonly events: string;
  /** Of its gRPC socket, for its program. */
  readonly address: string;
  /** Absolute path. */
  readonly publishBinary: string;
  readonly reaper: Reaper;
  /** Of that program, `NAME=value`. */
  readonly env: readonly string[];
}

export function createEventSender(options: PublisherOptions): EventSender {
  if (options.events !== "") return new TtrpcSender(options);
  return {
    send: (event) =>
      options.publishBinary === ""
        ? Promise.resolve()
        : publishByProgram(options, event),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const FORWARD_MS = 5_000;

class TtrpcSender implements EventSender {
  readonly #options: PublisherOptions;
  #client: TtrpcClient | undefined;
  #forwarder: EventForwarder | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async send(event: PublishedEvent): Promise<void> {
    const isFresh = this.#client === undefined;
    try {
      await this.#forward(event);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      // containerd may have been started again since the last one.
      if (isFresh) throw error;
      await this.#forward(event);
    }
  }

  async #forward({ topic, event, timestamp }: PublishedEvent): Promise<void> {
    const { namespace } = this.#options;
    const forwarder = this.#forwarder ?? await this.#connect();
    const signal = AbortSignal.timeout(FORWARD_MS);
    const ctx: Context = background({ namespace, signal });
    await forwarder.forward(ctx, topic, event, timestamp);
  }

  async #connect(): Promise<EventForwarder> {
    const path = socketPath(this.#options.events);
    const connection = await Deno.connect({ transport: "unix", path });
    this.#client = new TtrpcClient(connection);
    return this.#forwarder = remoteEvents(this.#client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#forwarder = undefined;
    await client?.[Symbol.asyncDispose]();
  }
}

/** @see containerd, runtime v2, "Publish" */
async function publishByProgram(
  { namespace, address, publishBinary, reaper, env }: PublisherOptions,
  { topic, event }: PublishedEvent,
): Promise<void> {
  const { typeUrl, value } = event;
  const input = makePipe();
  // An event is shorter than what a pipe holds.
  writeSome(input.write, Any.encode({ typeUrl, value }).finish());
  closeFd(input.write);
  let status: ChildStatus;
  try {
    const { pid } = spawn({
      path: publishBinary,
      args: [
        ...["--address", address, "publish"],
        ...["--topic", topic, "--namespace", namespace],
      ],
      env,
      stdin: { fd: input.read },
      stdout: "null",
      stderr: "null",
      processGroup: "own",
    });
    status = await reaper.wait(pid);
  } finally {
    closeFd(input.read);
  }
  const code = exitCodeOf(status);
  if (code === 0) return;
  throw unavailable(
    `Cannot publish "${topic}" with "${publishBinary}": exit code ${code}`,
  );
}
