/** Labels on the wire. */

import type { Labels } from "../../core/labels.ts";

/** A label without a value is none: who sends one wants it to be gone. */
export function fromLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([, value]) => value !== ""),
  );
}
