/** Where a process's output goes, as containerd writes it. */

import { invalidArgument } from "../base/errors.ts";

export type OutputAddress =
  | { readonly kind: "none" }
  /** A FIFO, or whatever is there. */
  | { readonly kind: "path"; readonly path: string }
  /** Made if it is missing, written to at its end. */
  | { readonly kind: "file"; readonly path: string }
  /** A program that reads it. */
  | {
    readonly kind: "logger";
    readonly path: string;
    readonly args: readonly string[];
    /** `signal`: it is ready when it says so; `close`: also when it ends. */
    readonly readiness: "signal" | "close";
  };

/**
 * Empty, a path, `fifo://`, `file://`, `binary://` or `binary-v2://`.
 * @throws {EngineError} `invalidArgument`
 */
export function parseOutputAddress(address: string): OutputAddress {
  if (address === "") return { kind: "none" };
  const [, scheme, rest = ""] =
    /^([a-z][a-z0-9+.-]*):\/\/(.*)$/.exec(address) ??
      [];
  if (scheme === undefined) return { kind: "path", path: address };
  const [path = "", query = ""] = splitOnce(rest, "?");
  const decoded = decode(path, address);
  switch (scheme) {
    case "fifo":
      return { kind: "path", path: decoded };
    case "file":
      return { kind: "file", path: decoded };
    case "binary":
    case "binary-v2":
      return {
        kind: "logger",
        path: decoded,
        args: argumentsOf(query),
        readiness: scheme === "binary" ? "close" : "signal",
      };
    default:
      throw invalidArgument(
        `Cannot write output to "${address}": unknown kind "${scheme}"`,
        { hint: "Use a path, file://, binary:// or binary-v2://" },
      );
  }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(path: string, address: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalidArgument(`Cannot write output to "${address}"`, { cause });
  }
}

/** `?a=b&c` → `a b c`: each name, and its first value behind it. */
function argumentsOf(query: string): readonly string[] {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!values.has(name)) values.set(name, value);
  }
  return [...values].flatMap(([name, value]) =>
    value === "" ? [name] : [name, value]
  );
}
