/** Reading from a place in a file. */

/**
 * Fills `into` from `offset` on, both in bytes.
 * @returns fewer than asked for at the end of the file
 */
export function readAt(
  file: Deno.FsFile,
  offset: number,
  into: Uint8Array,
): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  let count = 0;
  while (count < into.length) {
    const more = file.readSync(into.subarray(count));
    if (more === null || more === 0) break;
    count += more;
  }
  return count;
}
