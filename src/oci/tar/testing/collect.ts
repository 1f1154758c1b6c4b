import type { TarHeader } from "../header.ts";
import { TarReader } from "../reader.ts";

export interface ReadEntry {
  readonly header: TarHeader;
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a whole archive, pushed in parts of `step` bytes, and checks what every
 * handler relies on: data only within an entry, and as much as was announced.
 */
export function readArchive(
  archive: Uint8Array,
  step: number = archive.length,
): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let open: { header: TarHeader; parts: Uint8Array[] } | undefined;
  const reader = new TarReader({
    entry(header) {
      if (open !== undefined) throw new Error("an entry began in another");
      open = { header, parts: [] };
    },
    data(chunk) {
      if (chunk.length === 0) throw new Error("empty data");
      open?.parts.push(chunk.slice());
    },
    endEntry() {
      if (open === undefined) throw new Error("an entry ended twice");
      const { header, parts } = open;
      const data = new Uint8Array(header.size);
      let at = 0;
      for (const part of parts) {
        data.set(part, at);
        at += part.length;
      }
      if (at !== header.size) throw new Error(`${at} of ${header.size} bytes`);
      entries.push({ header, data });
      open = undefined;
    },
  });
  // Pushed from a buffer that is used again, as an unpacker does.
  const buffer = new Uint8Array(Math.max(step, 1));
  for (let at = 0; at < archive.length; at += step) {
    const part = archive.subarray(at, at + step);
    buffer.set(part);
    reader.push(buffer.subarray(0, part.length));
  }
  reader.finish();
  if (open !== undefined) throw new Error("an entry did not end");
  return entries;
}
