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

/** Nothing if none was. */
export function showRemovedVolumes(
  out: Output,
  names: readonly string[],
): void {
  if (names.length > 0) out.write(`Deleted Volumes:\n${names.join("\n")}\n\n`);
}
