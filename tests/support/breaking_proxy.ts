/** A TCP proxy on loopback that breaks connections when it is told to. */

export interface BreakingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Bytes from the client after which the next connections break, in turn. */
  readonly breaks: number[];
  /** How many were broken. */
  broken: number;
}

export function startBreakingProxy(targetPort: number): BreakingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const proxy: BreakingProxy = {
    host: `127.0.0.1:${listener.addr.port}`,
    breaks: [],
    broken: 0,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const connection of open) close(connection);
      await accepting;
    },
  };
  const accepting = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({
        hostname: "127.0.0.1",
        port: targetPort,
      });
      open.add(client).add(server);
      void relay(client, server, proxy);
    }
  })();
  return proxy;
}

async function relay(
  client: Deno.Conn,
  server: Deno.Conn,
  proxy: BreakingProxy,
): Promise<void> {
  const back = server.readable.pipeTo(client.writable).catch(() => {});
  const reader = client.readable.getReader();
  let sent = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      let left = value;
      while (left.length > 0) left = left.subarray(await server.write(left));
      sent += value.length;
      const limit = proxy.breaks[0];
      if (limit !== undefined && sent >= limit) {
        proxy.breaks.shift();
        proxy.broken++;
        break;
      }
    }
  } catch {
    // A connection that broke is what this is for.
  }
  close(client);
  close(server);
  await back;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
