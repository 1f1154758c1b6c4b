/** Files of which readers see all or nothing, whenever the writer is killed. */

/**
 * Writes the file under another name, which tells writers apart, and gives it
 * its own then; what had that, be it a pipe or a link, is there no more.
 * @param mode of a new file; as the umask has it if absent
 */
export function writeWhole(path: string, text: string, mode?: number): void {
  const next = `${path}.${Deno.pid}`;
  Deno.writeTextFileSync(next, text, mode === undefined ? {} : { mode });
  Deno.renameSync(next, path);
}
