/** Sends single HTTP requests; neither follows redirects nor tries again. */

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { systemCertificates } from "../../sys/certificates.ts";
import { isLoopback, type TlsOptions } from "./hosts.ts";
import { namesProxy } from "./proxy.ts";

export interface WireRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers: Headers;
  readonly body?: BodyInit;
  readonly signal: AbortSignal;
}

/** Keeps one HTTP client for each way of trusting a host. */
export class Transport implements Disposable {
  readonly #clients = new Map<string, Promise<Deno.HttpClient>>();

  async send(
    url: URL,
    tls: TlsOptions,
    request: WireRequest,
  ): Promise<Response> {
    if (url.protocol === "https:" && tls.certificates === "skipVerify") {
      const { sendUnverified } = await import("./unverified.ts");
      return await sendUnverified(url, await readKeyPair(tls), request);
    }
    const init: RequestInit = { ...request, redirect: "manual" };
    const direct = directTo(url);
    // Plain http needs no client of its own, which takes 4 ms to make.
    if (url.protocol === "http:" && direct === undefined) {
      return await fetch(url, init);
    }
    const client = await this.#client(tls, direct);
    return await fetch(url, { ...init, client });
  }

  #client(tls: TlsOptions, direct?: Deno.Proxy): Promise<Deno.HttpClient> {
    const key = JSON.stringify([tls, direct]);
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = createClient(tls, direct);
      this.#clients.set(key, client);
      client.catch(() => this.#clients.delete(key));
    }
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) {
      client.then((opened) => opened.close(), () => {});
    }
    this.#clients.clear();
  }
}

/**
 * Where to connect to without a proxy. `fetch` would ask one even for what is
 * on this machine.
 */
function directTo(url: URL): Deno.Proxy | undefined {
  if (!isLoopback(url.hostname) || !namesProxy(url)) return undefined;
  return { transport: "tcp", ...endpoint(url) };
}

function endpoint(url: URL): { hostname: string; port: number } {
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (url.protocol === "http:" ? 80 : 443)),
  };
}

async function createClient(
  tls: TlsOptions,
  direct: Deno.Proxy | undefined,
): Promise<Deno.HttpClient> {
  const system = systemCertificates();
  const own = await Promise.all(tls.authorities.map(readPem));
  const options = {
    ...direct === undefined ? {} : { proxy: direct },
    caCerts: system === undefined ? own : [...own, system.pem],
    ...await readKeyPair(tls),
    // One connection shared by all layers is slower than one for each.
    http2: false,
  };
  try {
    return Deno.createHttpClient(options as Deno.CreateHttpClientOptions);
  } catch (cause) {
    throw unusable([...tls.authorities, system?.path, tls.client], cause);
  }
}

type KeyPairPaths = TlsOptions["client"];

function unusable(
  sources: readonly (string | KeyPairPaths)[],
  cause: unknown,
): EngineError {
  const paths = sources.flatMap((source) =>
    typeof source === "object" ? Object.values(source) : source ?? []
  );
  const { message } = EngineError.from(cause);
  return invalidArgument(
    `Cannot use a certificate of "${paths.join('", "')}": ${message}`,
    { cause },
  );
}

/** A client's certificate and its key, PEM; empty if it has none. */
export type PemPair = { cert: string; key: string } | Record<never, never>;

async function readKeyPair({ client }: TlsOptions): Promise<PemPair> {
  if (client === undefined) return {};
  return {
    cert: await readPem(client.certificate),
    key: await readPem(client.key),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw invalidArgument(`Cannot read certificate "${path}"`, { cause });
  }
}

/** Ends with an error if the host takes no connection within `timeoutMs`. */
export async function dial(
  url: URL,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no connection within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    const connection = await Deno.connect({
      ...endpoint(url),
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    connection.close();
  } catch (error) {
    throw timeout.signal.aborted ? timeout.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
