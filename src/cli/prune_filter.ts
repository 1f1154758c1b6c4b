import type { PruneFilter } from "../engine/prune.ts";
import { labelPairs, parseFilterFlags } from "./filter_flags.ts";
import { parseTime } from "./time.ts";

/** `until=24h`, `label=a=b`, `label!=a`. @throws `invalidArgument` */
export function pruneFilter(
  filters: readonly string[],
  now: Date,
): PruneFilter {
  const flags = parseFilterFlags(filters, ["until", "label", "label!"]);
  const until = flags.get("until")?.at(-1);
  return {
    ...until === undefined ? {} : { until: parseTime(until, now) },
    labels: labelPairs(flags.get("label") ?? []),
    withoutLabels: labelPairs(flags.get("label!") ?? []),
  };
}
