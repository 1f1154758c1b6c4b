/** A file beside the database: its presence says that damage was met. */
export function damageMark(path: string): string {
  return `${path}.damaged`;
}

/** The next one to open the database makes it anew. */
export function markDamaged(path: string): void {
  Deno.writeTextFileSync(damageMark(path), "");
}
