/** `--volume`, `--mount` and `--tmpfs`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import { parseBytes } from "../../base/units.ts";
import type { MountAccess, RunMount } from "../run_options.ts";
import { parseTmpfsOption } from "./tmpfs_option.ts";

const PROPAGATION: ReadonlySet<string> = new Set([
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
  if (second === undefined) return volume(undefined, target(first, text), []);
  const words = options.split(",").filter((word) => word !== "");
  if (first.startsWith("/") || first.startsWith(".")) {
    return {
      kind: "bind",
      source: absolute(first, cwd),
      target: target(second, text),
      missing: "create",
      ...bindOptions(words, text),
    };
  }
  return volume(checkVolumeName(first), target(second, text), words);
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

/**
 * `type=bind,source=/a,target=/b,readonly`, as comma-separated fields.
 * @throws {EngineError} `invalidArgument`
 */
export function parseMount(text: string, cwd: string): RunMount {
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).trim();
    const name = ALIASES[key.toLowerCase()];
    if (name === undefined) {
      throw invalidArgument(`unexpected key '${key}' in '${field}'`, {
        hint: `The keys are ${[...new Set(Object.keys(ALIASES))].join(", ")}`,
      });
    }
    if (equals < 0 && !SWITCHES.has(name)) {
      throw invalidArgument(
        `invalid field '${field}' must be a key=value pair`,
      );
    }
    fields.set(name, equals < 0 ? "true" : field.slice(equals + 1));
  }
  const kind = fields.get("type") ?? "volume";
  const path = fields.get("target");
  if (path === undefined) {
    throw invalidArgument("target is required", {
      hint: "Add target=/path/in/the/container to --mount",
    });
  }
  const access = isOn(fields, "readonly") ? "readonly" : "writable";
  return mountOf(kind, { fields, target: target(path, text), access, cwd });
}

const ALIASES: Readonly<Record<string, string>> = {
  type: "type",
  source: "source",
  src: "source",
  target: "target",
  destination: "target",
  dst: "target",
  readonly: "readonly",
  ro: "readonly",
  "bind-propagation": "bind-propagation",
  "bind-nonrecursive": "bind-nonrecursive",
  "bind-create-src": "bind-create-src",
  "volume-nocopy": "volume-nocopy",
  "tmpfs-size": "tmpfs-size",
  "tmpfs-mode": "tmpfs-mode",
  consistency: "consistency",
};

const SWITCHES: ReadonlySet<string> = new Set([
  "readonly",
  "volume-nocopy",
  "bind-nonrecursive",
  "bind-create-src",
]);

interface ParsedMount {
  readonly fields: ReadonlyMap<string, string>;
  readonly target: string;
  readonly access: MountAccess;
  readonly cwd: string;
}

function mountOf(kind: string, parsed: ParsedMount): RunMount {
  const { fields, target, access } = parsed;
  switch (kind) {
    case "bind":
      return bindMount(parsed);
    case "volume": {
      const name = fields.get("source") ?? "";
      return {
        kind,
        ...name === "" ? {} : { name: checkVolumeName(name) },
        target,
        access,
        start: isOn(fields, "volume-nocopy") ? "empty" : "imageContent",
      };
    }
    case "tmpfs":
      if (fields.has("source")) {
        throw invalidArgument(
          'invalid mount config for type "tmpfs": ' +
            "field Source must not be specified",
        );
      }
      return { kind, target, options: tmpfsOptions(parsed) };
    default:
      throw invalidArgument(`mount type unknown: "${kind}"`, {
        hint: "The types are bind, volume and tmpfs",
      });
  }
}

function bindMount({ fields, target, access, cwd }: ParsedMount): RunMount {
  const source = fields.get("source") ?? "";
  if (source === "") {
    throw invalidArgument(
      `invalid mount config for type "bind": field Source must not be empty`,
    );
  }
  const propagation = fields.get("bind-propagation") ?? "rprivate";
  if (!PROPAGATION.has(propagation)) {
    throw invalidArgument(`invalid propagation value: ${propagation}`);
  }
  return {
    kind: "bind",
    source: absolute(source, cwd),
    target,
    access,
    missing: isOn(fields, "bind-create-src") ? "create" : "fail",
    options: [
      isOn(fields, "bind-nonrecursive") ? "bind" : "rbind",
      propagation,
    ],
  };
}

function tmpfsOptions({ fields, access }: ParsedMount): readonly string[] {
  const size = fields.get("tmpfs-size");
  const mode = fields.get("tmpfs-mode");
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) {
    throw invalidArgument(`invalid value for tmpfs-mode: ${mode}`);
  }
  return [
    ...TMPFS_DEFAULTS,
    ...size === undefined ? [] : [`size=${parseBytes("tmpfs size", size)}`],
    ...mode === undefined ? [] : [`mode=${mode}`],
    ...access === "readonly" ? ["ro"] : [],
  ];
}

function isOn(fields: ReadonlyMap<string, string>, key: string): boolean {
  const value = fields.get(key)?.toLowerCase();
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw invalidArgument(`invalid value for ${key}: ${fields.get(key)}`);
}

const TMPFS_DEFAULTS: readonly string[] = ["nosuid", "nodev", "noexec"];

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
    target: target(path, text),
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

function target(path: string, text: string): string {
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

function absolute(path: string, cwd: string): string {
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
