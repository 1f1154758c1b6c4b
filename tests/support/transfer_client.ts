/** Transfers as containerd's client 2.x makes them, over a daemon's socket. */

import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import {
  StreamingDefinition,
  StreamInit,
} from "../../proto/gen/containerd/services/streaming/v1/streaming.ts";
import { TransferDefinition } from "../../proto/gen/containerd/services/transfer/v1/transfer.ts";
import { ImageStore } from "../../proto/gen/containerd/types/transfer/imagestore.ts";
import {
  ImageExportStream,
  ImageImportStream,
} from "../../proto/gen/containerd/types/transfer/importexport.ts";
import { Progress } from "../../proto/gen/containerd/types/transfer/progress.ts";
import {
  AuthRequest,
  AuthResponse,
  OCIRegistry,
} from "../../proto/gen/containerd/types/transfer/registry.ts";
import {
  Data,
  WindowUpdate,
} from "../../proto/gen/containerd/types/transfer/streaming.ts";
import type { Daemon } from "./daemon.ts";

const TYPES = "containerd.types.transfer";

/** Of one message, and the room that a reader gives: as containerd has it. */
const MOST_BYTES = 32 * 1024;
const WINDOW_BYTES = 2 * MOST_BYTES;

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(fields: object): T;
}

function pack<T>(name: string, codec: Codec<T>, fields: object): Any {
  const value = codec.encode(codec.fromPartial(fields)).finish();
  return { typeUrl: `${TYPES}.${name}`, value };
}

export const registry = (fields: Partial<OCIRegistry> | object): Any =>
  pack("OCIRegistry", OCIRegistry, fields);
export const imageStore = (fields: object): Any =>
  pack("ImageStore", ImageStore, fields);
export const importStream = (fields: object): Any =>
  pack("ImageImportStream", ImageImportStream, fields);
export const exportStream = (fields: object): Any =>
  pack("ImageExportStream", ImageExportStream, fields);

/** A stream as a client has it. */
export interface ClientStream {
  readonly id: string;
  send(message: Any): void;
  /** Undefined at its end. */
  receive(): Promise<Any | undefined>;
  closeSend(): void;
}

export async function openStream(
  daemon: Daemon,
  id: string,
  signal?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<ClientStream> {
  const queue: Any[] = [{
    typeUrl: "containerd.services.streaming.v1.StreamInit",
    value: StreamInit.encode({ id }).finish(),
  }];
  let isOpen = true;
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const outgoing = async function* () {
    for (;;) {
      const message = queue.shift();
      if (message !== undefined) yield message;
      else if (isOpen) await changed.promise;
      else return;
    }
  };
  const call = daemon.stub(StreamingDefinition).stream(outgoing(), {
    metadata: { ...daemon.headers, ...headers },
    ...signal === undefined ? {} : { signal },
  });
  const incoming = call[Symbol.asyncIterator]();
  const stream: ClientStream = {
    id,
    send(message) {
      queue.push(message);
      wake();
    },
    async receive() {
      const { value, done } = await incoming.next();
      if (done !== true) return value;
      // Else nothing would end what we send.
      isOpen = false;
      wake();
      return undefined;
    },
    closeSend() {
      isOpen = false;
      wake();
    },
  };
  try {
    await stream.receive();
  } catch (error) {
    stream.closeSend();
    throw error;
  }
  return stream;
}

/** Sends bytes as the other side has room for them. */
export async function sendStream(
  stream: ClientStream,
  bytes: Uint8Array,
): Promise<void> {
  let room = 0;
  for (let at = 0; at < bytes.length;) {
    while (room <= 0) {
      const message = await stream.receive();
      if (message === undefined) return;
      room += WindowUpdate.decode(message.value).update;
    }
    const data = bytes.subarray(at, at + Math.min(room, MOST_BYTES));
    stream.send(pack("Data", Data, { data }));
    room -= data.length;
    at += data.length;
  }
  stream.closeSend();
}

/** What the other side sends. @param pause before each message is read */
export async function receiveStream(
  stream: ClientStream,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let room = 0;;) {
    if (room < WINDOW_BYTES) {
      const update = WINDOW_BYTES;
      stream.send(pack("WindowUpdate", WindowUpdate, { update }));
      room += update;
    }
    await pause();
    const message = await stream.receive();
    if (message === undefined) break;
    const { data } = Data.decode(message.value);
    if (data.length > WINDOW_BYTES * 2) {
      throw new Error("more than there is room");
    }
    room -= data.length;
    chunks.push(data as Uint8Array<ArrayBuffer>);
  }
  stream.closeSend();
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Answers each question for credentials. @returns the hosts it was asked for */
export async function answerAuth(
  stream: ClientStream,
  answer: Partial<AuthResponse>,
): Promise<readonly string[]> {
  const hosts: string[] = [];
  try {
    for (;;) {
      const message = await stream.receive();
      if (message === undefined) break;
      hosts.push(AuthRequest.decode(message.value).host);
      stream.send(pack("AuthResponse", AuthResponse, answer));
    }
  } catch {
    // The client of a test that is over.
  }
  return hosts;
}

export interface TransferOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Before each message of progress is read. */
  readonly pause?: () => Promise<void>;
}

/** @returns what was told of its progress */
export async function transfer(
  daemon: Daemon,
  source: Any,
  destination: Any,
  { signal, headers = {}, pause }: TransferOptions = {},
): Promise<readonly Progress[]> {
  const id = `progress-${crypto.randomUUID()}`;
  const stream = await openStream(daemon, id, signal);
  const told: Progress[] = [];
  const reading = (async () => {
    for (;;) {
      await pause?.();
      const message = await stream.receive();
      if (message === undefined) return;
      told.push(Progress.decode(message.value));
    }
  })();
  reading.catch(() => {});
  await daemon.stub(TransferDefinition).transfer(
    { source, destination, options: { progressStream: id } },
    {
      metadata: { ...daemon.headers, ...headers },
      ...signal === undefined ? {} : { signal },
    },
  );
  await reading;
  return told;
}
