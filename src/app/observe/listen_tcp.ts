/** Listening where the configuration says, and on loopback where it does not. */

import { EngineError, invalidArgument } from "../../base/errors.ts";

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/;
const MOST_PORT = 65_535;

export interface TcpAddress {
  readonly hostname: string;
  readonly port: number;
}

/**
 * @param text `127.0.0.1:1338`, `[::1]:1338`; `:1338` is loopback: figures
 * tell a lot, so who shows them to others must say so
 * @param key of the configuration that says it
 * @throws {EngineError} `invalidArgument`
 */
export function parseTcpAddress(text: string, key: string): TcpAddress {
  const [, six, other, port] = ADDRESS.exec(text) ?? [];
  if (port === undefined || Number(port) > MOST_PORT) {
    throw invalidArgument(
      `Cannot use "${text}" for "${key}": not an address`,
      { hint: `Write it as "127.0.0.1:1338"` },
    );
  }
  return { hostname: six ?? (other || "127.0.0.1"), port: Number(port) };
}

/** True if only this machine can connect. */
export function isLoopback({ hostname }: TcpAddress): boolean {
  return hostname === "localhost" || hostname === "::1" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** @throws {EngineError} `unavailable` */
export function listenTcp(address: TcpAddress): Deno.TcpListener {
  try {
    return Deno.listen({ transport: "tcp", ...address });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const { hostname, port } = address;
    throw new EngineError(
      "unavailable",
      `Cannot listen on "${hostname}:${port}": ${why}`,
      { cause },
    );
  }
}
