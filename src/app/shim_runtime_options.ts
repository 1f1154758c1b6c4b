/**
 * runc's options as a file: what callers send that know no shim's own, such as
 * containerd's CRI plugin with `ConfigPath`.
 */

import type { Options as RuntimeOptions } from "../../proto/gen/runtimeoptions/v1/options.ts";
import { invalidArgument } from "../base/errors.ts";
import { DEFAULT_RUNC_OPTIONS, type RuncOptions } from "../shim/options.ts";

/** @param value as TOML has it; undefined if it has another type */
type Take = (value: unknown) => Partial<RuncOptions> | undefined;

/** By what is left of containerd's spellings: `SystemdCgroup`, `systemd_cgroup`. */
const KEYS: ReadonlyMap<string, Take> = new Map<string, Take>([
  ["binaryname", text((binaryName) => ({ binaryName }))],
  ["root", text((root) => ({ root }))],
  ["criuworkpath", text((criuWorkPath) => ({ criuWorkPath }))],
  ["iouid", natural((ioUid) => ({ ioUid }))],
  ["iogid", natural((ioGid) => ({ ioGid }))],
  [
    "systemdcgroup",
    choice((is) => ({ cgroupDriver: is ? "systemd" : "cgroupfs" })),
  ],
  ["nopivotroot", choice((is) => ({ pivotRoot: is ? "avoid" : "use" }))],
  ["nonewkeyring", choice((is) => ({ keyring: is ? "inherited" : "new" }))],
]);

/**
 * @param ignored is told of each key that is no option of runc's, or has no
 * value of its type
 * @throws {EngineError} `invalidArgument` if the file can't be read, or is no
 * TOML
 */
export async function readRuntimeOptions(
  options: RuntimeOptions,
  ignored: (key: string) => void,
): Promise<RuncOptions> {
  const { configBody, configPath } = options;
  if (configBody.length === 0 && configPath === "") return DEFAULT_RUNC_OPTIONS;
  const [source, toml] = configBody.length > 0
    ? ["config_body", new TextDecoder().decode(configBody)]
    : [configPath, await readText(configPath)];
  let found = DEFAULT_RUNC_OPTIONS;
  for (const [key, value] of Object.entries(await parseToml(source, toml))) {
    const taken = KEYS.get(key.toLowerCase().replaceAll("_", ""))?.(value);
    if (taken === undefined) ignored(key);
    else found = { ...found, ...taken };
  }
  return found;
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw invalidArgument(`Cannot read the runtime's options in "${path}"`, {
      cause,
      hint: "Correct config_path, or ConfigPath in containerd's configuration",
    });
  }
}

async function parseToml(
  source: string,
  text: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { parse } = await import("smol-toml");
  try {
    return parse(text);
  } catch (cause) {
    throw invalidArgument(`Cannot parse the runtime's options in "${source}"`, {
      cause,
      hint: 'Write TOML, for instance BinaryName = "crun"',
    });
  }
}

function text(take: (value: string) => Partial<RuncOptions>): Take {
  return (value) => typeof value === "string" ? take(value) : undefined;
}

function choice(take: (value: boolean) => Partial<RuncOptions>): Take {
  return (value) => typeof value === "boolean" ? take(value) : undefined;
}

function natural(take: (value: number) => Partial<RuncOptions>): Take {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= 0
      ? take(value)
      : undefined;
}
