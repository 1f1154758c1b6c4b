/**
 * Stack traces of the packed executable in terms of the sources: positions in
 * a bundle are looked up in its source map, which is read only now.
 *
 * @see ECMA-426, Source map format
 */

/** What V8 hands to `Error.prepareStackTrace`. */
export interface Frame {
  getFunctionName(): string | null;
  getScriptNameOrSourceURL(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  isAsync(): boolean;
  toString(): string;
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** Bytes of the bundle's first line that the packer replaced. */
interface PartMap extends SourceMap {
  readonly headBytes: number;
  /** Decoded `mappings`, once they were needed. */
  lines?: readonly (readonly Mapping[])[];
}

/** Of a script that several parts are in. */
interface GroupMap {
  /** Lines of the script, from 1, at which parts begin, and which. */
  readonly begins: readonly (readonly [number, string])[];
}

/** The signature of `mapStack()`. */
export type StackMapper = typeof mapStack;

const PREFIX = "coracle:///";
const DIGITS =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The text of `error.stack`.
 * @param readPart gives the text of a part of the executable
 */
export function mapStack(
  error: Error,
  frames: readonly Frame[],
  readPart: (name: string) => string,
): string {
  const maps = new Map<string, PartMap | GroupMap | undefined>();
  const mapOf = (part: string) => {
    if (!maps.has(part)) maps.set(part, readMap(part, readPart));
    return maps.get(part);
  };
  const lines = frames.map((frame) => frameText(frame, mapOf))
    .filter((line) => line !== undefined);
  return [String(error), ...lines].join("\n    at ");
}

function readMap(
  part: string,
  readPart: (name: string) => string,
): PartMap | GroupMap | undefined {
  try {
    return JSON.parse(readPart(`${part}.map`));
  } catch {
    return undefined;
  }
}

function frameText(
  frame: Frame,
  mapOf: (part: string) => PartMap | GroupMap | undefined,
): string | undefined {
  const script = frame.getScriptNameOrSourceURL() ?? "";
  // The first stage itself is nobody's concern.
  if (script.startsWith("data:")) return undefined;
  const position = script.startsWith(PREFIX)
    ? positionIn(
      script.slice(PREFIX.length),
      frame.getLineNumber() ?? 0,
      frame.getColumnNumber() ?? 0,
      mapOf,
    )
    : undefined;
  if (position === undefined) return frame.toString();
  const name = knownName(frame);
  const isAsync = frame.isAsync() ? "async " : "";
  return name === null ? isAsync + position : `${isAsync}${name} (${position})`;
}

function positionIn(
  part: string,
  line: number,
  column: number,
  mapOf: (part: string) => PartMap | GroupMap | undefined,
): string | undefined {
  const map = mapOf(part);
  if (map === undefined) return undefined;
  if ("mappings" in map) return sourcePosition(map, line, column);
  const [begin, member] = map.begins.findLast(([begin]) => begin <= line) ??
    [];
  if (begin === undefined || member === undefined) return undefined;
  return positionIn(member, line - begin + 1, column, mapOf);
}

/** Undefined for a name that the bundler made up: a letter or three. */
function knownName(frame: Frame): string | null {
  const name = frame.getFunctionName();
  return name === null || /^(?:\w+\.)?[\w$]{1,3}$/.test(name) ? null : name;
}

/** `coracle:///src/cli/main.ts:12:3`; line and column count from 1. */
function sourcePosition(
  map: PartMap,
  line: number,
  column: number,
): string | undefined {
  // The first line of a part is the packer's; the bundle begins below it.
  const wantedLine = line - 2;
  const wantedColumn = column - 1 + (wantedLine === 0 ? map.headBytes : 0);
  const found = lookUp(map, wantedLine, wantedColumn);
  const source = found === undefined ? undefined : map.sources[found.source];
  if (found === undefined || source === undefined) return undefined;
  return `${PREFIX}${source}:${found.line + 1}:${found.column + 1}`;
}

/** Where in the sources a place of the bundle is from. All from 0. */
interface Mapping {
  /** In its line of the bundle. */
  readonly generatedColumn: number;
  readonly source: number;
  readonly line: number;
  readonly column: number;
}

/** The last mapping of the line at or before the column. */
function lookUp(
  map: PartMap,
  wantedLine: number,
  wantedColumn: number,
): Mapping | undefined {
  map.lines ??= decode(map.mappings);
  return map.lines[wantedLine]?.findLast(({ generatedColumn }) =>
    generatedColumn <= wantedColumn
  );
}

/** @returns the mappings of each line of the bundle */
function decode(mappings: string): Mapping[][] {
  let source = 0, line = 0, column = 0;
  return mappings.split(";").map((segments) => {
    const found: Mapping[] = [];
    let generatedColumn = 0;
    for (const segment of segments === "" ? [] : segments.split(",")) {
      const [skip = 0, toSource, toLine = 0, toColumn = 0] = decodeVlq(segment);
      generatedColumn += skip;
      if (toSource === undefined) continue;
      source += toSource;
      line += toLine;
      column += toColumn;
      found.push({ generatedColumn, source, line, column });
    }
    return found;
  });
}

/** Base64 digits of 5 bits, lowest first; bit 6 continues, bit 1 is the sign. */
function decodeVlq(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0, shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    if ((bits & 32) !== 0) {
      shift += 5;
      continue;
    }
    numbers.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
    value = shift = 0;
  }
  return numbers;
}
