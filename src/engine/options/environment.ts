/** `--env` and `--env-file`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";

type Env = (name: string) => string | undefined;

/**
 * `NAME=value` as it is; `NAME` takes our own value, or is left out of the
 * container if we have none.
 * @throws {EngineError} `invalidArgument`
 */
export function parseEnv(text: string, env: Env): string {
  const equals = text.indexOf("=");
  if (equals === 0 || text === "") {
    throw invalidArgument(`invalid environment variable: ${text}`);
  }
  if (equals > 0) return text;
  const value = env(text);
  return value === undefined ? text : `${text}=${value}`;
}

/**
 * Lines as of `parseEnv`, without quoting; empty ones and those that start
 * with `#` are passed over.
 * @param path for messages
 */
export function parseEnvFile(
  path: string,
  content: string,
  env: Env,
): readonly string[] {
  return entriesOfFile("env", path, content).flatMap((text) => {
    // Unlike on the command line, a name without a value here is dropped.
    const entry = parseEnv(text, env);
    return entry.includes("=") ? [entry] : [];
  });
}

/**
 * Lines of docker's files of variables, or of labels: `NAME` or `NAME=value`.
 * @param what for messages, as is `path`
 * @throws {EngineError} `invalidArgument`
 */
export function entriesOfFile(
  what: "env" | "label",
  path: string,
  content: string,
): readonly string[] {
  return content.replace(/^\uFEFF/, "").split("\n").flatMap((line) => {
    const text = line.replace(/\r$/, "").trimStart();
    if (text === "" || text.startsWith("#")) return [];
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "") {
      throw invalidArgument(
        `invalid ${what} file (${path}): no variable name on line '${text}'`,
      );
    }
    if (/\s/.test(name)) {
      throw invalidArgument(
        `invalid ${what} file (${path}): variable '${name}' contains ` +
          "whitespaces",
      );
    }
    return [text];
  });
}

/** `NAME=value` entries: later ones win, `NAME` alone removes. */
export function mergeEnv(
  ...layers: readonly (readonly string[])[]
): readonly string[] {
  const merged = new Map<string, string>();
  for (const entry of layers.flat()) {
    const equals = entry.indexOf("=");
    if (equals < 0) merged.delete(entry);
    else merged.set(entry.slice(0, equals), entry);
  }
  return [...merged.values()];
}
