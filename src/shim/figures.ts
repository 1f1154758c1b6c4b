/** Reading the files of a control group. A file that is missing says 0. */

/** @returns undefined if there is no such file */
export function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** What v1 says where there is no limit is a very large number, v2: `max`. */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;

export function readNumber(path: string): bigint {
  return toNumber(readText(path)?.trim());
}

export function toNumber(text: string | undefined): bigint {
  if (text === "max") return NO_LIMIT;
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : 0n;
}

/** Lines of `name number`. */
export function readTable(path: string): (name: string) => bigint {
  const text = readText(path) ?? "";
  const table = new Map(
    text.split("\n").map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)] as const;
    }),
  );
  return (name) => toNumber(table.get(name));
}
