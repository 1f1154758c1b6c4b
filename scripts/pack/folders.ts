/** The parts as they lie in the executable, and the index to find them by. */

import type { Part } from "./bundle.ts";
import type { Caches } from "./all_caches.ts";
import { type GroupedParts, groupParts } from "./groups.ts";
import type { Contents } from "./pack.ts";

/** Bytes of the executable. */
export interface Span {
  readonly offset: number;
  readonly bytes: number;
}

/** Where the first stage finds the parts that are named `FOLDER/…`. */
export interface Folder {
  /** JSON: by part, its `Place`. */
  readonly index: Span;
  /** Groups of parts, each to be read at once. */
  readonly together: readonly Span[];
}

/**
 * Where a part is: its offset, and the bytes of its code cache and text; or the
 * script that it is in, and which of the functions there it is.
 */
type Place =
  | readonly [number, number, number]
  | readonly [string, number];

export type Append = (bytes: Uint8Array) => Span;

/** Source maps are folders of their own: they are rarely wanted. */
export function appendFolders(
  { bundles, stackMapper }: Contents,
  caches: Caches,
  append: Append,
): Readonly<Record<string, Folder>> {
  const folders: Record<string, Folder> = {};
  const add = (
    folder: string,
    together: readonly (readonly Part[])[],
    others: readonly Part[],
    places: GroupedParts["places"] = {},
  ) =>
    folders[folder] = appendFolder(
      { together, others, places },
      caches,
      append,
    );
  add("stack_trace", [], [{ name: "stack_trace/map.js", text: stackMapper }]);
  for (const [entry, bundle] of Object.entries(bundles)) {
    const { groups, rest, places } = groupParts(entry, bundle);
    const wanted = new Set(bundle.together.flat());
    const byName = new Map(rest.map((part) => [part.name, part]));
    const together = bundle.together.map((names) =>
      names.flatMap((name) => byName.get(name) ?? [])
    );
    const { later = [], maps = [] } = Object.groupBy(
      rest.filter(({ name }) => !wanted.has(name)),
      (part) => isMap(part) ? "maps" : "later",
    );
    add(entry, together, [...groups, ...later], places);
    add(`${entry}.map`, [], maps);
  }
  return folders;
}

function appendFolder(
  { together, others, places }: {
    readonly together: readonly (readonly Part[])[];
    readonly others: readonly Part[];
    readonly places: GroupedParts["places"];
  },
  caches: Caches,
  append: Append,
): Folder {
  const index: Record<string, Place> = { ...places };
  const add = (parts: readonly Part[]): Span => {
    const { offset } = align(append);
    for (const { name, text } of parts) {
      const cache = append(caches.get(name) ?? new Uint8Array());
      const script = append(new TextEncoder().encode(text));
      index[name] = [cache.offset, cache.bytes, script.bytes];
      align(append);
    }
    return { offset, bytes: align(append).offset - offset };
  };
  const groups = together.map((parts) => add(parts));
  add(others);
  return {
    index: append(new TextEncoder().encode(JSON.stringify(index))),
    together: groups,
  };
}

export function isMap({ name }: Part): boolean {
  return name.endsWith(".map");
}

/** V8 copies a cache that does not begin at a multiple of eight. */
export function align(append: Append): Span {
  const { offset } = append(new Uint8Array());
  append(new Uint8Array(-offset & 7));
  return append(new Uint8Array());
}
