/** Requests with time limits, redirects and repetition; no authorisation. */

import type { Context } from "../../base/context.ts";
import type { ResolvedDeps } from "./deps.ts";
import { type Refusal, refusalOf, refusalOfError } from "./failure.ts";
import { requestText, responseText } from "./exchange_text.ts";
import type { RegistryHost, TlsOptions } from "./hosts.ts";
import { proxyOf } from "./proxy.ts";
import { dial, type Transport, type WireRequest } from "./transport.ts";

export interface HttpRequest {
  readonly method: WireRequest["method"];
  readonly headers?: Readonly<Record<string, string>>;
  /** Opened anew for every try and every redirect. */
  readonly body?: () => Promise<BodyInit>;
  /** Statuses besides 2xx that are an answer. */
  readonly accept?: readonly number[];
  /**
   * From the start to the headers of the response. "caller" if the caller
   * watches over it, because a long body has to be sent first.
   */
  readonly timeoutMs?: number | "caller";
}

export interface Responded {
  readonly kind: "response";
  readonly response: Response;
  /** Where it came from, after redirects. */
  readonly url: URL;
  /** Breaks the connection off. */
  readonly abort: (reason: unknown) => void;
}

export type Answer =
  | Responded
  | {
    readonly kind: "refused";
    readonly refusal: Refusal;
    readonly headers?: Headers;
  };

const MAX_REDIRECTS = 10;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Where a request goes and with what. */
export interface Target {
  readonly url: URL;
  readonly host: Pick<RegistryHost, "tls" | "headers" | "dialTimeoutMs">;
  readonly authorization?: string;
}

type HttpDeps =
  & Pick<
    ResolvedDeps,
    "clock" | "random" | "timing" | "userAgent" | "onExchange"
  >
  & { readonly transport: Transport };

export class Http {
  readonly #deps: HttpDeps;
  readonly #dialled = new Set<string>();

  constructor(deps: HttpDeps) {
    this.#deps = deps;
  }

  /** Asks until there is an answer or no more reason to ask. */
  async repeat(
    ctx: Context,
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let attempt = 1;; attempt++) {
      const answer = await ask();
      if (answer.kind === "response") return answer;
      const pauseMs = this.pauseMs(answer.refusal, attempt);
      if (pauseMs === undefined) return answer;
      ctx.log.debug("Asking a registry again", {
        said: answer.refusal.said,
        attempt,
        pauseMs,
      });
      await this.#deps.clock.sleep(pauseMs, ctx.signal);
    }
  }

  /** Milliseconds until the next attempt; undefined if that was the last. */
  pauseMs({ retry }: Refusal, attempt: number): number | undefined {
    const { attempts, backoffMs, maxBackoffMs, maxRetryAfterMs } =
      this.#deps.timing;
    const limit = retry === "once" ? Math.min(2, attempts) : attempts;
    if (retry === "never" || attempt >= limit) return undefined;
    if (typeof retry === "object") {
      return retry.afterMs > maxRetryAfterMs ? undefined : retry.afterMs;
    }
    const full = Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs);
    return full / 2 + this.#deps.random() * full / 2;
  }

  /** One exchange, with its redirects. Throws only if the signal fired. */
  async exchange(
    ctx: Context,
    target: Target,
    request: HttpRequest,
  ): Promise<Answer> {
    const hop: { at: Target } = { at: target };
    const answer = await this.#follow(ctx, hop, request);
    const { url } = hop.at;
    if (answer.kind === "response" || url.origin === target.url.origin) {
      return answer;
    }
    return { ...answer, refusal: refusedBy(url, answer.refusal) };
  }

  /** @param hop where it is */
  async #follow(
    ctx: Context,
    hop: { at: Target },
    request: HttpRequest,
  ): Promise<Answer> {
    const seen = new Set<string>();
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      seen.add(hop.at.url.href);
      const answer = await this.#send(ctx, hop.at, request);
      if (answer.kind === "refused") return answer;
      const { response } = answer;
      if (response.ok || request.accept?.includes(response.status)) {
        return answer;
      }
      if (!REDIRECTS.includes(response.status)) {
        const refusal = await refusalOf(answer, this.#deps.timing.stallMs);
        return { kind: "refused", refusal, headers: response.headers };
      }
      await response.body?.cancel();
      const next = redirected(hop.at, response, request);
      if (next === undefined) return broken("it redirects to nowhere");
      if (seen.has(next.url.href)) return broken("it redirects in a loop");
      hop.at = next;
    }
    return broken(`it redirects more than ${MAX_REDIRECTS} times`);
  }

  async #send(
    ctx: Context,
    { url, host, authorization }: Target,
    request: HttpRequest,
  ): Promise<Answer> {
    ctx.signal.throwIfAborted();
    const abort = new AbortController();
    const timeoutMs = request.timeoutMs ?? this.#deps.timing.responseTimeoutMs;
    const timer = timeoutMs === "caller" ? undefined : setTimeout(() => {
      abort.abort(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      await this.#dialOnce(url, host.dialTimeoutMs, ctx.signal);
      const headers = this.#headers(host, request, authorization);
      const { onExchange } = this.#deps;
      onExchange(requestText(request.method, url, headers));
      const response = await this.#deps.transport.send(url, host.tls, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: await request.body() }),
        signal: AbortSignal.any([ctx.signal, abort.signal]),
      });
      onExchange(responseText(response));
      return {
        kind: "response",
        response,
        url,
        abort: (reason) => {
          abort.abort(reason);
          // Whoever holds this function holds the response: Deno forgets the
          // signals of a body once its response has been collected.
          void response;
        },
      };
    } catch (thrown) {
      ctx.signal.throwIfAborted();
      const error = abort.signal.aborted ? abort.signal.reason : thrown;
      return { kind: "refused", refusal: refusalOfError(error, proxyOf(url)) };
    } finally {
      clearTimeout(timer);
    }
  }

  #headers(
    host: Target["host"],
    request: HttpRequest,
    authorization: string | undefined,
  ): Headers {
    const headers = new Headers({
      "user-agent": this.#deps.userAgent,
      // Else a blob that is gzip anyway may arrive unpacked.
      "accept-encoding": "identity",
      ...request.headers,
    });
    for (const [name, value] of host.headers) headers.append(name, value);
    if (authorization !== undefined) {
      headers.set("authorization", authorization);
    }
    return headers;
  }

  async #dialOnce(
    url: URL,
    timeoutMs: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (timeoutMs === undefined || this.#dialled.has(url.host)) return;
    if (proxyOf(url) !== undefined) return;
    await dial(url, timeoutMs, signal);
    this.#dialled.add(url.host);
  }
}

/** Another origin gets neither our authorisation nor the host's headers. */
function redirected(
  from: Target,
  response: Response,
  { method }: HttpRequest,
): Target | undefined {
  const location = response.headers.get("location");
  if (location === null || !URL.canParse(location, from.url)) return undefined;
  const url = new URL(location, from.url);
  const keepsMethod = response.status === 307 || response.status === 308 ||
    method === "GET" || method === "HEAD";
  if (!keepsMethod || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.origin === from.url.origin) return { ...from, url };
  const tls: TlsOptions = from.host.tls;
  return { url, host: { tls, headers: [] } };
}

function broken(said: string): Answer {
  return {
    kind: "refused",
    refusal: { code: "unavailable", said, retry: "never" },
  };
}

/**
 * Who was asked is not who refused: most registries keep their blobs elsewhere,
 * where nobody logs in.
 */
function refusedBy({ host }: URL, refusal: Refusal): Refusal {
  const { said, status, hint, cause } = refusal;
  // A redirect that leads nowhere is the fault of both.
  if (status === undefined && cause === undefined) return refusal;
  return {
    ...refusal,
    said: `${said}, from ${host}, to which it redirects`,
    hint: status === undefined && hint !== undefined
      ? hint
      : `Check that ${host} lets this machine fetch, and try again`,
  };
}
