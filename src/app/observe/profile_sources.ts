/** Profiles of the packed executable in terms of the sources. */

/** @see Chrome DevTools Protocol, Runtime.CallFrame */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0, as the column. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** @see Chrome DevTools Protocol, Profiler.Profile */
export interface Profile {
  readonly nodes: readonly { readonly callFrame: CallFrame }[];
}

/** What writes the stacks of errors: in the executable it knows the sources. */
type WriteStack = (error: Error, frames: never) => unknown;

const PACKED = "coracle:///";

/**
 * A profile has the positions of bundles, in which nobody finds his way. It is
 * as it was where nothing is bundled.
 *
 * @param writeStack this runtime's if absent
 */
export function inSources<P extends Profile>(
  profile: P,
  writeStack: WriteStack | undefined = Error.prepareStackTrace,
): P {
  const isPacked = ({ callFrame }: P["nodes"][number]) =>
    callFrame.url.startsWith(PACKED);
  const packed = profile.nodes.filter(isPacked);
  if (writeStack === undefined || packed.length === 0) return profile;
  const frames = packed.map(({ callFrame }) => frameOf(callFrame));
  // All at once: each map is decoded once.
  const [, ...lines] = String(writeStack(new Error(), frames as never)).split(
    "\n",
  );
  if (lines.length !== packed.length) return profile;
  return {
    ...profile,
    nodes: profile.nodes.map((node) =>
      isPacked(node)
        ? { ...node, callFrame: placed(node.callFrame, lines.shift() ?? "") }
        : node
    ),
  };
}

/** As V8 hands it to whoever writes a stack: it counts from 1. */
function frameOf(
  { functionName, url, lineNumber, columnNumber }: CallFrame,
): object {
  return {
    getFunctionName: () => functionName,
    getScriptNameOrSourceURL: () => url,
    getLineNumber: () => lineNumber + 1,
    getColumnNumber: () => columnNumber + 1,
    isAsync: () => false,
    toString: () => functionName,
  };
}

/** @param line of a stack: `    at name (coracle:///src/x.ts:3:5)` */
function placed(frame: CallFrame, line: string): CallFrame {
  const [, url, row, column] = /(coracle:\S+):(\d+):(\d+)\)?$/.exec(line) ?? [];
  return url === undefined ? frame : {
    ...frame,
    url,
    lineNumber: Number(row) - 1,
    columnNumber: Number(column) - 1,
  };
}
