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

/** Downloads that nobody took up again. Nothing if there were none. */
export function showDropped(out: Output, count: number): void {
  if (count === 0) return;
  out.line(`Dropped Unfinished Downloads: ${count}\n`);
}

/** Nothing if none was. */
export function showRemovedVolumes(
  out: Output,
  names: readonly string[],
): void {
  if (names.length > 0) out.write(`Deleted Volumes:\n${names.join("\n")}\n\n`);
}
