/** Which files a configuration file imports. */

import { isThere } from "../../../sys/is_there.ts";

/**
 * @param from the file that imports; relative paths are seen from there
 * @param pattern may have `*` and `?` in the names of files
 * @returns in order of their names; a pattern may match none
 */
export function expandImport(from: string, pattern: string): readonly string[] {
  const directory = from.slice(0, from.lastIndexOf("/") + 1) || "./";
  const absolute = pattern.startsWith("/") ? pattern : directory + pattern;
  if (!/[*?]/.test(absolute)) return [absolute];
  const parts = absolute.split("/");
  let found = [parts[0] ?? ""];
  for (const [at, part] of parts.slice(1).entries()) {
    const isLast = at === parts.length - 2;
    found = found.flatMap((path) => step(path, part, isLast));
  }
  return found;
}

function step(path: string, part: string, isLast: boolean): readonly string[] {
  if (!/[*?]/.test(part)) {
    const next = `${path}/${part}`;
    return !isLast || isThere(next) ? [next] : [];
  }
  const name = new RegExp(
    `^${
      part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
        .replaceAll("?", ".")
    }$`,
  );
  return entriesOf(path || "/")
    .filter((entry) => name.test(entry))
    .filter((entry) => part.startsWith(".") || !entry.startsWith("."))
    .sort()
    .map((entry) => `${path}/${entry}`);
}

function entriesOf(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return [];
    throw error;
  }
}
