/** Answering calls. */

import { within } from "../../base/within.ts";
import { Channel, type Connection } from "./channel.ts";
import { ServerConnection } from "./server_connection.ts";
import type { ServedService } from "./service.ts";

/**
 * Disposing closes the listener and every connection, and gives handlers that
 * are still at work a moment to heed their signals.
 */
export interface TtrpcServer extends AsyncDisposable {
  /** Connections that are open. */
  readonly connections: number;
  /** Settles when all calls so far have been answered. */
  idle(): Promise<void>;
}

/** The part of a `Deno.Listener` that is needed. */
export interface Listener {
  accept(): Promise<Connection>;
  close(): void;
}

/** How long handlers may take to notice that nobody waits for them. */
const HEED_MS = 1_000;

/** Serves all who connect, until it is disposed. */
export function serveTtrpc(
  listener: Listener,
  services: readonly ServedService[],
): TtrpcServer {
  const named = new Map(services.map((it) => [it.name, it]));
  const open = new Set<ServerConnection>();
  const running = new Set<Promise<void>>();
  const left = new Set<Promise<void>>();
  const leave = (rest: Promise<void>) => {
    const removed = rest.then(() => void left.delete(removed));
    left.add(removed);
  };
  const accept = async () => {
    for await (const connection of connections(listener)) {
      const channel = new Channel(connection);
      const served = new ServerConnection({
        channel,
        services: named,
        leave,
      });
      open.add(served);
      const end = served.run().finally(() => {
        open.delete(served);
        running.delete(end);
      });
      running.add(end);
    }
  };
  const accepting = accept();
  const close = async () => {
    listener.close();
    for (const connection of open) connection.close();
    await Promise.all([accepting, ...running]);
    if (left.size > 0) await within(HEED_MS, Promise.all(left));
  };
  let closed: Promise<void> | undefined;
  return {
    get connections() {
      return open.size;
    },
    async idle() {
      await Promise.all([...open].map((connection) => connection.idle()));
    },
    [Symbol.asyncDispose]: () => closed ??= close(),
  };
}

/** Before the next try, when there was no descriptor left, say. */
const RETRY_MS = 50;

/** Until the listener is closed: no other failure is a reason to give up. */
async function* connections(listener: Listener): AsyncGenerator<Connection> {
  for (;;) {
    let connection: Connection;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (isClosed(error)) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    yield connection;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
