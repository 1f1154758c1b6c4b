/**
 * What a span of a trace is to those whose work it times. Who records them is
 * somebody else; where nobody does, a context has none.
 * @see W3C Trace Context; OpenTelemetry, "Tracing API"
 */

import type { Context } from "./context.ts";

export type SpanValue = string | number | boolean | readonly string[];
export type SpanAttributes = Readonly<Record<string, SpanValue>>;

/** Which span of which trace, in hexadecimal digits, and whether it is kept. */
export interface SpanContext {
  /** 32 digits. */
  readonly traceId: string;
  /** 16 digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

export interface Span {
  readonly context: SpanContext;
  /** Work within this. */
  child(name: string, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Once. @param error why the work failed, if it has */
  end(error?: unknown): void;
}

/** Runs `work` as a child of the context's span, or as it is without one. */
export async function traced<T>(
  ctx: Context,
  name: string,
  attributes: SpanAttributes,
  work: (ctx: Context) => Promise<T>,
): Promise<T> {
  if (ctx.span === undefined) return await work(ctx);
  const span = ctx.span.child(name, attributes);
  try {
    const value = await work({ ...ctx, span });
    span.end();
    return value;
  } catch (error) {
    span.end(error ?? "failed");
    throw error;
  }
}

const TRACEPARENT =
  /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** @returns nothing for a header that says nothing, as the standard demands */
export function parseTraceparent(header: string): SpanContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] =
    TRACEPARENT.exec(header.trim()) ?? [];
  if (version === undefined || version === "ff") return undefined;
  if (version === "00" && more !== undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const isSampled = (parseInt(flags, 16) & SAMPLED) !== 0;
  return { traceId, spanId, isSampled };
}
