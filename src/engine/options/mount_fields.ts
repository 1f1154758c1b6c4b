/** `--mount`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import { parseBytes } from "../../base/units.ts";
import type { MountAccess, RunMount } from "../run_options.ts";
import {
  absolute,
  checkVolumeName,
  mountTarget,
  PROPAGATION,
  TMPFS_DEFAULTS,
} from "./mounts.ts";

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
  checkKind(kind, fields);
  return mountOf(kind, {
    fields,
    target: mountTarget(path, text),
    access,
    cwd,
  });
}

/** @throws {EngineError} `invalidArgument`, in docker's words */
function checkKind(kind: string, fields: ReadonlyMap<string, string>): void {
  for (const family of ["bind", "volume", "tmpfs"]) {
    const isMixed = family !== kind &&
      fields.keys().some((key) => key.startsWith(`${family}-`));
    if (isMixed && KINDS.has(kind)) {
      throw invalidArgument(
        `cannot mix '${family}-*' options with mount type '${kind}'`,
      );
    }
  }
  checkDriver(fields);
}

/** A volume is a directory: what only others could do is refused by name. */
function checkDriver(fields: ReadonlyMap<string, string>): void {
  const driver = fields.get("volume-driver") ?? "";
  if (driver !== "" && driver !== "local") {
    throw invalidArgument(
      `error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      { hint: "The only driver is local" },
    );
  }
  for (const name of ["volume-label", "volume-opt"]) {
    const value = fields.get(name);
    if (value === undefined) continue;
    throw invalidArgument(
      `Cannot use ${name} "${value}": volumes are directories, without labels ` +
        "and options",
    );
  }
}

const KINDS: ReadonlySet<string> = new Set(["bind", "volume", "tmpfs"]);

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
  "volume-driver": "volume-driver",
  "volume-label": "volume-label",
  "volume-opt": "volume-opt",
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
