/** Spans as they are made and ended; who sends them is somebody else. */

import { EngineError } from "../../../base/errors.ts";
import { redact } from "../../../base/redact.ts";
import type {
  Span,
  SpanAttributes,
  SpanContext,
  SpanValue,
} from "../../../base/trace.ts";
import type { Sampler } from "./sampler.ts";

/** By OTLP's numbers: within us, or for a caller. */
export const SPAN_KIND = { internal: 1, server: 2 } as const;

/** One that has ended. */
export interface SpanRecord {
  readonly context: SpanContext;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1 | 2;
  /** Since the epoch. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: ReadonlyMap<string, SpanValue>;
  /** Why it failed, if it has. */
  readonly failure?: { readonly type: string; readonly message: string };
}

interface TracerDeps {
  readonly sampler: Sampler;
  /** Since the epoch. */
  readonly nowNs: () => bigint;
  readonly onEnd: (span: SpanRecord) => void;
}

export interface RootOptions {
  /** Of who calls, somewhere else. */
  readonly parent: SpanContext | undefined;
  readonly attributes: SpanAttributes;
}

export class Tracer {
  readonly #deps: TracerDeps;

  constructor(deps: TracerDeps) {
    this.#deps = deps;
  }

  /** A call to us. */
  server(name: string, { parent, attributes }: RootOptions): Span {
    const traceId = parent?.traceId ?? randomHex(16);
    const isSampled = this.#deps.sampler(traceId, parent);
    return this.#span({
      name,
      kind: SPAN_KIND.server,
      context: { traceId, spanId: randomHex(8), isSampled },
      parentSpanId: parent?.spanId,
      attributes,
    });
  }

  #span(options: SpanOptions): Span {
    const { context } = options;
    const child = (name: string, attributes: SpanAttributes = {}) =>
      this.#span({
        name,
        kind: SPAN_KIND.internal,
        context: { ...context, spanId: randomHex(8) },
        parentSpanId: context.spanId,
        attributes,
      });
    return context.isSampled
      ? new RecordedSpan(options, child, this.#deps)
      : { context, child, set: () => {}, end: () => {} };
  }
}

interface SpanOptions {
  readonly name: string;
  readonly kind: SpanRecord["kind"];
  readonly context: SpanContext;
  readonly parentSpanId: string | undefined;
  readonly attributes: SpanAttributes;
}

class RecordedSpan implements Span {
  readonly child: Span["child"];
  readonly #options: SpanOptions;
  readonly #deps: TracerDeps;
  readonly #startNs: bigint;
  readonly #attributes: Map<string, SpanValue>;
  #hasEnded = false;

  constructor(options: SpanOptions, child: Span["child"], deps: TracerDeps) {
    this.child = child;
    this.#options = options;
    this.#deps = deps;
    this.#startNs = deps.nowNs();
    this.#attributes = new Map(Object.entries(options.attributes));
  }

  get context(): SpanContext {
    return this.#options.context;
  }

  set(attributes: SpanAttributes): void {
    for (const [name, value] of Object.entries(attributes)) {
      this.#attributes.set(name, value);
    }
  }

  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { name, kind, context, parentSpanId } = this.#options;
    this.#deps.onEnd({
      ...{ name, kind, context },
      ...parentSpanId === undefined ? {} : { parentSpanId },
      startNs: this.#startNs,
      endNs: this.#deps.nowNs(),
      attributes: this.#attributes,
      ...error === undefined ? {} : { failure: failureOf(error) },
    });
  }
}

function failureOf(error: unknown): NonNullable<SpanRecord["failure"]> {
  const { code, message } = EngineError.from(error);
  return { type: code, message: redact(message) };
}

/** Never all zeros, which is no id. */
function randomHex(bytes: 8 | 16): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return random.some((it) => it !== 0) ? random.toHex() : randomHex(bytes);
}

/** The clock of the wall, as finely as it is known. */
export function wallClockNs(): bigint {
  const us = (performance.timeOrigin + performance.now()) * 1000;
  return BigInt(Math.round(us)) * 1000n;
}
