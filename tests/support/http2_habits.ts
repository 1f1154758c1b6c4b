/** What clients do to a server over HTTP/2, on purpose or by dying. */

import { assert } from "@std/assert";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  goAway,
  headers,
  message,
  RawHttp2,
} from "./raw_http2.ts";

/** Both are served by whatever the habits are tried on. */
const VERSION = "/containerd.services.version.v1.Version/Version";
const WATCH = "/grpc.health.v1.Health/Watch";

/** For one connection of any kind. */
const MOST_MS = 20_000;

/** Stream numbers of a client are odd. */
export function streamOf(call: number): number {
  return call * 2 + 1;
}

/** What clients do, each on a connection of its own. */
export const HABITS: Readonly<Record<string, (path: string) => Promise<void>>> =
  {
    async "closes at once"(path) {
      using _ = await RawHttp2.connect(path, "nothing");
    },
    async "greets and closes"(path) {
      using _ = await RawHttp2.connect(path);
    },
    async "closes within its greeting"(path) {
      using client = await RawHttp2.connect(path, "nothing");
      await client.send(new TextEncoder().encode("PRI * HTTP/2"));
    },
    async "speaks HTTP/1"(path) {
      using client = await RawHttp2.connect(path, "nothing");
      await client.send(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      await client.closedByServer();
    },
    async "sends noise"(path) {
      using client = await RawHttp2.connect(path);
      const noise = crypto.getRandomValues(new Uint8Array(300));
      await client.send(noise).catch(() => {});
    },
    async "closes within a frame"(path) {
      using client = await RawHttp2.connect(path);
      const whole = frame(FRAME.headers, {
        flags: END_HEADERS,
        stream: 1,
        payload: callHeaders(VERSION),
      });
      await client.send(whole.subarray(0, 30));
    },
    async "calls and closes without waiting"(path) {
      using client = await RawHttp2.connect(path);
      for (let call = 0; call < 20; call++) {
        await client.call(streamOf(call), VERSION);
      }
    },
    async "closes its half and waits"(path) {
      using client = await RawHttp2.connect(path);
      await client.call(1, VERSION);
      await client.closeWrite();
      await client.closedByServer();
    },
    async "resets what it has called"(path) {
      using client = await RawHttp2.connect(path);
      for (let call = 0; call < 20; call++) {
        const stream = streamOf(call);
        await client.call(stream, call % 2 === 0 ? WATCH : VERSION);
        await client.send(reset(stream));
      }
      await client.call(streamOf(20), VERSION);
      assert(await client.ended(1));
    },
    async "has a deadline and waits for the server to heed it"(path) {
      using client = await RawHttp2.connect(path);
      await client.send(
        frame(FRAME.headers, {
          flags: END_HEADERS,
          stream: 1,
          payload: callHeaders(WATCH, { "grpc-timeout": "20m" }),
        }),
        frame(FRAME.data, {
          flags: END_STREAM,
          stream: 1,
          payload: message(new Uint8Array()),
        }),
      );
      assert(await client.ended(1));
    },
    async "says GOAWAY and closes"(path) {
      using client = await RawHttp2.connect(path);
      await client.call(1, VERSION);
      await client.send(goAway());
    },
    async "sends headers that are too long"(path) {
      using client = await RawHttp2.connect(path);
      await client.send(
        frame(FRAME.headers, {
          flags: END_HEADERS | END_STREAM,
          stream: 1,
          payload: callHeaders(VERSION, { "x-long": "x".repeat(15_000) }),
        }),
      );
      assert(await client.ended(1));
      const endless = Array.from(
        { length: 10 },
        () =>
          frame(FRAME.continuation, {
            stream: 3,
            payload: headers({ "x-long": "x".repeat(15_000) }),
          }),
      );
      const first = frame(FRAME.headers, {
        stream: 3,
        payload: callHeaders(VERSION),
      });
      await client.send(first, ...endless).catch(() => {});
      await client.closedByServer();
    },
    async "sends a frame that is too long"(path) {
      using client = await RawHttp2.connect(path);
      const payload = new Uint8Array(20_000);
      await client.send(frame(FRAME.data, { stream: 1, payload }))
        .catch(() => {});
      await client.closedByServer();
    },
    async "promises a message that is too long"(path) {
      using client = await RawHttp2.connect(path);
      const payload = new Uint8Array([0, 0x7f, 0, 0, 0, 1, 2, 3]);
      await client.send(
        frame(FRAME.headers, {
          flags: END_HEADERS,
          stream: 1,
          payload: callHeaders(VERSION),
        }),
        frame(FRAME.data, { stream: 1, payload }),
      );
      assert(await client.ended(1));
    },
  };

export function reset(stream: number): Uint8Array {
  return frame(FRAME.reset, { stream, payload: new Uint8Array([0, 0, 0, 8]) });
}

/**
 * So many connections, each with one of the habits, 16 at a time.
 * @throws if one of them never ends
 */
export async function misbehave(
  path: string,
  connections: number,
): Promise<void> {
  const habits = Object.entries(HABITS);
  let next = 0;
  const lane = async () => {
    while (next < connections) {
      const [name, habit] = habits[next++ % habits.length] ?? [];
      const late = new Error(`It never ended: a client that ${name}`);
      await within(MOST_MS, late, habit?.(path));
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

async function within(
  ms: number,
  late: Error,
  work: Promise<void> | undefined,
): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(late), ms);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
