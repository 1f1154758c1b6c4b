/** Which traces are kept. @see OpenTelemetry, "Trace SDK", "Sampling" */

import type { SpanContext } from "../../../base/trace.ts";

/** @returns true if the span is to be sent */
export type Sampler = (
  traceId: string,
  parent: SpanContext | undefined,
) => boolean;

const RATIO_DIGITS = 14;

const ROOTS = ["always_on", "always_off", "traceidratio"] as const;

/** Those that are known. */
export const SAMPLER_NAMES: readonly string[] = [
  ...ROOTS,
  ...ROOTS.map((it) => `parentbased_${it}`),
];

/** True of what a sampler by ratio can have as its argument. */
export function isRatio(text: string): boolean {
  const ratio = Number(text || NaN);
  return ratio >= 0 && ratio <= 1;
}

/** What is unknown keeps what the caller keeps, as the specification wants. */
export function parseSampler(
  name = "parentbased_always_on",
  argument?: string,
): Sampler {
  const [, parentBased = "", root = ""] =
    /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ??
      ["", "parentbased_", "always_on"];
  const sample = rootSampler(root, argument);
  if (parentBased === "") return sample;
  return (traceId, parent) => parent?.isSampled ?? sample(traceId, parent);
}

function rootSampler(name: string, argument: string | undefined): Sampler {
  if (name === "always_off") return () => false;
  if (name === "always_on" || !isRatio(argument ?? "")) return () => true;
  const ratio = Number(argument);
  // All who trace by the same ratio keep the same traces.
  const bound = BigInt(Math.round(ratio * 2 ** 56));
  return (traceId) => BigInt(`0x${traceId.slice(-RATIO_DIGITS)}`) < bound;
}
