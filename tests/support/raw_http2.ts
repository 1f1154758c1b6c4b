/** An HTTP/2 client that sends whatever it is told to, frame by frame. */

import { BinaryWriter } from "@bufbuild/protobuf/wire";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(
  type: number,
  { flags = 0, stream = 0, payload = new Uint8Array() }: {
    readonly flags?: number;
    readonly stream?: number;
    readonly payload?: Uint8Array;
  } = {},
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  bytes[4] = flags;
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

/** HPACK (RFC 7541) without tables and without Huffman's code. */
export function headers(
  fields: Readonly<Record<string, string>>,
): Uint8Array {
  const writer: number[] = [];
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    // An integer with a prefix of 7 bits (section 5.1).
    if (bytes.length < 127) writer.push(bytes.length);
    else {
      writer.push(
        127,
        ...new BinaryWriter().uint32(bytes.length - 127)
          .finish(),
      );
    }
    for (const byte of bytes) writer.push(byte);
  };
  for (const [name, value] of Object.entries(fields)) {
    writer.push(0);
    text(name);
    text(value);
  }
  return new Uint8Array(writer);
}

export function callHeaders(
  path: string,
  more: Readonly<Record<string, string>> = {},
): Uint8Array {
  return headers({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
}

/** A message of gRPC, not compressed. */
export function message(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(5 + bytes.length);
  new DataView(framed.buffer).setUint32(1, bytes.length);
  framed.set(bytes, 5);
  return framed;
}

export class RawHttp2 implements Disposable {
  readonly #connection: Deno.UnixConn;
  #pending = new Uint8Array();

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /** @param greeting what is sent at first */
  static async connect(
    path: string,
    greeting: "polite" | "nothing" = "polite",
  ): Promise<RawHttp2> {
    const client = new RawHttp2(
      await Deno.connect({ transport: "unix", path }),
    );
    if (greeting === "polite") {
      await client.send(PREFACE, frame(FRAME.settings), window(0, 1 << 30));
    }
    return client;
  }

  async send(...parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    for (let sent = 0; sent < length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** A unary call with an empty message. */
  async call(stream: number, path: string): Promise<void> {
    await this.send(
      frame(FRAME.headers, {
        flags: END_HEADERS,
        stream,
        payload: callHeaders(path),
      }),
      frame(FRAME.data, {
        flags: END_STREAM,
        stream,
        payload: message(new Uint8Array()),
      }),
    );
  }

  /** Reads until so many streams have ended; false if the server has gone. */
  async ended(streams: number): Promise<boolean> {
    while (streams > 0) {
      const found = await this.#next();
      if (found === undefined) return false;
      const isEnd = found.type === FRAME.reset ||
        found.type <= FRAME.headers && (found.flags & END_STREAM) !== 0;
      if (isEnd) streams--;
    }
    return true;
  }

  /** Reads until the server closes. */
  async closedByServer(): Promise<void> {
    while (await this.#next() !== undefined);
  }

  async closeWrite(): Promise<void> {
    await this.#connection.closeWrite();
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #next(): Promise<{ type: number; flags: number } | undefined> {
    if (!await this.#fill(9)) return undefined;
    const view = new DataView(this.#pending.buffer, this.#pending.byteOffset);
    const length = view.getUint32(0) >>> 8;
    const [type = 0, flags = 0] = this.#pending.subarray(3, 5);
    if (!await this.#fill(9 + length)) return undefined;
    this.#pending = this.#pending.subarray(9 + length);
    return { type, flags };
  }

  async #fill(length: number): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    while (this.#pending.length < length) {
      const read = await this.#connection.read(chunk).catch(() => null);
      if (read === null) return false;
      const joined = new Uint8Array(this.#pending.length + read);
      joined.set(this.#pending);
      joined.set(chunk.subarray(0, read), this.#pending.length);
      this.#pending = joined;
    }
    return true;
  }
}

export function window(stream: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, bytes);
  return frame(FRAME.windowUpdate, { stream, payload });
}

/** The client has seen nothing, and no error. */
export function goAway(): Uint8Array {
  return frame(FRAME.goAway, { payload: new Uint8Array(8) });
}
