import type { RemovedItem } from "../engine/remove.ts";
import type { Output } from "./command.ts";

/** `Untagged:` and `Deleted:` lines, as docker's. */
export function showRemoved(
  out: Output,
  removed: readonly RemovedItem[],
): void {
  for (const item of removed) {
    out.line(
      item.kind === "untagged"
        ? `Untagged: ${item.name}`
        : `Deleted: ${item.digest}`,
    );
  }
}
