/** Sends spans to a collector, many at a time. */

import type { Logger } from "../../../base/log.ts";
import { systemCertificates } from "../../../sys/certificates.ts";
import type { Export } from "./encode.ts";
import type { TraceSettings } from "./settings.ts";
import type { SpanRecord } from "./tracer.ts";

interface ExporterDeps {
  readonly settings: TraceSettings;
  readonly log: Logger;
}

/** What a collector says when another try may help. */
const TRY_AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const TRIES = 3;
const FIRST_PAUSE_MS = 500;
/** Between complaints; a collector that is away would fill the log. */
const COMPLAINT_MS = 60_000;

/** For all that is left when we are closed. */
const CLOSING_MS = 3_000;

/** @returns undefined where nothing needs to be trusted */
function createClient(
  { endpoint, certificate }: TraceSettings,
): Deno.HttpClient | undefined {
  if (endpoint.protocol !== "https:") return undefined;
  const pem = certificate === undefined
    ? systemCertificates()?.pem
    : Deno.readTextFileSync(certificate);
  return pem === undefined
    ? undefined
    : Deno.createHttpClient({ caCerts: [pem] });
}

/** Disposing sends what is left, if the collector takes it soon. */
export class Exporter implements AsyncDisposable {
  readonly #deps: ExporterDeps;
  #queue: SpanRecord[] = [];
  #lost = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #complainedAt = -Infinity;
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  readonly #client: Deno.HttpClient | undefined;

  /** @throws if a certificate can't be read */
  constructor(deps: ExporterDeps) {
    this.#deps = deps;
    this.#client = createClient(deps.settings);
  }

  add(span: SpanRecord): void {
    const { mostQueued, mostSent, delayMs } = this.#deps.settings;
    if (this.#queue.length >= mostQueued) {
      this.#lost++;
      return;
    }
    this.#queue.push(span);
    if (this.#queue.length >= mostSent) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), delayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const deadline = setTimeout(() => this.#closed.abort(), CLOSING_MS);
    await this.#sending;
    clearTimeout(this.#timer);
    while (this.#queue.length > 0) await this.#send();
    clearTimeout(deadline);
    this.#client?.close();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One request at a time; what comes meanwhile is in the next one.
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { mostSent } = this.#deps.settings;
    do await this.#send(); while (this.#queue.length >= mostSent);
    if (this.#queue.length === 0 || this.#closing.signal.aborted) return;
    const { delayMs } = this.#deps.settings;
    this.#timer ??= setTimeout(() => this.#flush(), delayMs);
  }

  /** Never throws: nobody's work may fail because nobody watches it. */
  async #send(): Promise<void> {
    const { settings } = this.#deps;
    const spans = this.#queue.splice(0, settings.mostSent);
    try {
      await this.#post({ resource: settings.resource, spans });
    } catch (error) {
      this.#lost += spans.length;
      this.#complain(error);
    }
  }

  async #post(what: Export): Promise<void> {
    const { protocol } = this.#deps.settings;
    const { encodeJson, encodeProtobuf } = await import("./encode.ts");
    const encode = protocol === "http/json" ? encodeJson : encodeProtobuf;
    const body = await this.#packed(encode(what));
    for (let attempt = 1;; attempt++) {
      const status = await this.#request(body).catch((error: unknown) => error);
      if (typeof status === "number" && status < 300) return;
      const mayTry = typeof status !== "number" || TRY_AGAIN.has(status);
      const isLast = attempt >= TRIES || this.#closing.signal.aborted;
      if (!mayTry || isLast) {
        throw typeof status === "number"
          ? new Error(`the collector answers ${status}`)
          : status;
      }
      await this.#pause(FIRST_PAUSE_MS * 2 ** attempt);
    }
  }

  /** @returns the status */
  async #request(body: Uint8Array<ArrayBuffer>): Promise<number> {
    const { settings } = this.#deps;
    const { endpoint, protocol, headers, timeoutMs, compression } = settings;
    using late = limit(timeoutMs);
    const response = await fetch(endpoint, {
      method: "POST",
      body,
      redirect: "error",
      signal: AbortSignal.any([late.signal, this.#closed.signal]),
      headers: {
        ...headers,
        "content-type": protocol === "http/json"
          ? "application/json"
          : "application/x-protobuf",
        ...compression === "gzip" ? { "content-encoding": "gzip" } : {},
      },
      ...this.#client === undefined ? {} : { client: this.#client },
    });
    await response.body?.cancel();
    return response.status;
  }

  async #packed(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const plain = new Uint8Array(bytes);
    if (this.#deps.settings.compression === "none") return plain;
    const stream = new Blob([plain]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Ends early when we are closed. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }

  #complain(error: unknown): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#complainedAt = now;
    const { log, settings: { endpoint } } = this.#deps;
    const { origin, pathname } = endpoint;
    const lostSpans = this.#lost;
    const to = `${origin}${pathname}`;
    log.warn("Cannot send traces", { to, error, lostSpans });
  }
}

function limit(ms: number): Disposable & { readonly signal: AbortSignal } {
  const abort = new AbortController();
  const late = new DOMException("The collector takes too long", "TimeoutError");
  const timer = setTimeout(() => abort.abort(late), ms);
  return {
    signal: abort.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
