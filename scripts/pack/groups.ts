/**
 * Parts that are wanted together become one script: the runtime takes some 50
 * microseconds to look a script up, read it and hand it to V8, however short
 * it is, and a command has a hundred parts.
 */

import type { Bundle, Part } from "./bundle.ts";

/** The parts of a bundle as they lie in the executable. */
export interface GroupedParts {
  /** One for each group, each to be read at once. */
  readonly groups: readonly Part[];
  /** The others, and maps. */
  readonly rest: readonly Part[];
  /** Part → the script of its group, and its place there, from 0. */
  readonly places: Readonly<Record<string, readonly [string, number]>>;
}

/** As `src/app/stack_trace.ts` reads it. */
interface GroupMap {
  /** Lines of the script, from 1, at which parts begin. */
  readonly begins: readonly (readonly [number, string])[];
}

/**
 * @param folder of the parts' names
 * @throws {Error} for a part that is not ASCII
 */
export function groupParts(
  folder: string,
  { parts, together }: Pick<Bundle, "parts" | "together">,
): GroupedParts {
  const byName = new Map(parts.map((part) => [part.name, part]));
  const places: Record<string, readonly [string, number]> = {};
  const groups: Part[] = [];
  const maps: Part[] = [];
  together.forEach((names, index) => {
    const members = names.flatMap((name) => byName.get(name) ?? []);
    if (members.length === 0) return;
    const name = `${folder}/group-${index}.js`;
    const { text, begins } = joined(members);
    groups.push({ name, text });
    const map: GroupMap = { begins };
    maps.push({ name: `${name}.map`, text: JSON.stringify(map) });
    members.forEach((part, place) => places[part.name] = [name, place]);
  });
  const rest = parts.filter(({ name }) => !(name in places));
  return { groups, rest: [...rest, ...maps], places };
}

/** An array of what the parts are, each beginning on a line of its own. */
function joined(parts: readonly Part[]) {
  const begins: (readonly [number, string])[] = [];
  let line = 2;
  for (const { name, text } of parts) {
    checkAscii(name, text);
    begins.push([line, name]);
    line += text.split("\n").length;
  }
  return { text: `[\n${parts.map(({ text }) => text).join(",\n")}\n]`, begins };
}

/** One letter of another kind, and decoding the group takes 1 ms, not 0.2. */
function checkAscii(name: string, text: string): void {
  // deno-lint-ignore no-control-regex
  const other = /[^\x00-\x7f]/.exec(text);
  if (other === null) return;
  const near = text.slice(Math.max(other.index - 20, 0), other.index + 20);
  throw new Error(
    `Cannot pack "${name}": "${near}" has a letter that is not ASCII, which ` +
      "the bundler escapes in strings, but not in regular expressions",
  );
}
