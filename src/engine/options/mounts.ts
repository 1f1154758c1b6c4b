/** `--volume` and `--tmpfs`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import type { MountAccess, RunMount } from "../run_options.ts";
import { parseTmpfsOption } from "./tmpfs_option.ts";

export const PROPAGATION: ReadonlySet<string> = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
]);

/** Words that other systems need, and that mean nothing here. */
const IGNORED: ReadonlySet<string> = new Set([
  "z",
  "Z",
  "consistent",
  "cached",
  "delegated",
]);

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * `[SOURCE:]TARGET[:OPTION,…]`
 * @param cwd what relative sources (`./dir`) are relative to
 * @throws {EngineError} `invalidArgument`
 */
export function parseVolume(text: string, cwd: string): RunMount {
  const parts = text.split(":");
  const [first = "", second, options = ""] = parts;
  if (parts.length > 3 || parts.some((part) => part === "")) {
    throw invalidArgument(`invalid volume specification: '${text}'`, {
      hint: "Write SOURCE:TARGET, or SOURCE:TARGET:ro",
    });
  }
  if (second === undefined) {
    return volume(undefined, mountTarget(first, text), []);
  }
  const words = options.split(",").filter((word) => word !== "");
  if (first.startsWith("/") || first.startsWith(".")) {
    return {
      kind: "bind",
      source: absolute(first, cwd),
      target: mountTarget(second, text),
      missing: "create",
      ...bindOptions(words, text),
    };
  }
  return volume(checkVolumeName(first), mountTarget(second, text), words);
}

function volume(
  name: string | undefined,
  path: string,
  words: readonly string[],
): RunMount {
  const unknown = words.find((word) =>
    !["ro", "rw", "nocopy"].includes(word) && !IGNORED.has(word)
  );
  if (unknown !== undefined) throw invalidMode(unknown);
  return {
    kind: "volume",
    ...name === undefined ? {} : { name },
    target: path,
    access: accessOf(words),
    start: words.includes("nocopy") ? "empty" : "imageContent",
  };
}

function bindOptions(words: readonly string[], text: string) {
  const propagation: string[] = [];
  let recursion = "rbind";
  for (const word of words) {
    if (PROPAGATION.has(word)) propagation.push(word);
    else if (word === "bind" || word === "rbind") recursion = word;
    else if (word === "nocopy") {
      throw invalidArgument(
        `invalid volume specification: '${text}': a directory of the host ` +
          "is never copied to",
      );
    } else if (word !== "ro" && word !== "rw" && !IGNORED.has(word)) {
      throw invalidMode(word);
    }
  }
  if (propagation.length > 1) throw invalidMode(words.join(","));
  return {
    access: accessOf(words),
    options: [recursion, propagation[0] ?? "rprivate"],
  };
}

function accessOf(words: readonly string[]): MountAccess {
  const readonly = words.includes("ro");
  if (readonly && words.includes("rw")) throw invalidMode(words.join(","));
  return readonly ? "readonly" : "writable";
}

function invalidMode(mode: string) {
  return invalidArgument(`invalid mode: ${mode}`, {
    hint: "The modes are ro, rw, nocopy, and propagation such as rslave",
  });
}

export const TMPFS_DEFAULTS: readonly string[] = ["nosuid", "nodev", "noexec"];

/** What takes the place of each of the defaults. */
const OPPOSITES: Readonly<Record<string, string>> = {
  suid: "nosuid",
  dev: "nodev",
  exec: "noexec",
};

/**
 * `TARGET[:OPTION,…]`, options of tmpfs(5) and of mounts.
 * @throws {EngineError} `invalidArgument`
 */
export function parseTmpfs(text: string): RunMount {
  const colon = text.indexOf(":");
  const path = colon < 0 ? text : text.slice(0, colon);
  const words = colon < 0 ? [] : text.slice(colon + 1).split(",")
    .filter((word) => word !== "");
  const cleared = new Set(words.map((word) => OPPOSITES[word]));
  return {
    kind: "tmpfs",
    target: mountTarget(path, text),
    options: [
      ...TMPFS_DEFAULTS.filter((word) => !cleared.has(word)),
      ...words.map((word) => parseTmpfsOption(word)),
    ],
  };
}

/** @throws {EngineError} `invalidArgument`, in docker's words */
export function checkVolumeName(name: string): string {
  if (VOLUME_NAME.test(name)) return name;
  throw invalidArgument(
    `"${name}" includes invalid characters for a local volume name, only ` +
      `"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`,
    { hint: "To use a directory of the host, write its absolute path" },
  );
}

/** @param text all of the option, for messages */
export function mountTarget(path: string, text: string): string {
  if (!path.startsWith("/")) {
    throw invalidArgument(
      `invalid mount path: '${path}' mount path must be absolute`,
    );
  }
  const clean = normalize(path);
  if (clean === "/") {
    throw invalidArgument(
      `invalid specification: destination can't be '/': '${text}'`,
    );
  }
  return clean;
}

export function absolute(path: string, cwd: string): string {
  return normalize(path.startsWith("/") ? path : `${cwd}/${path}`);
}

/** Without `.`, `..`, and doubled or trailing slashes. */
export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return "/" + parts.join("/");
}
