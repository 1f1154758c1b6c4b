/**
 * Names of runtimes that a containerd shim drives.
 * @see containerd, "Runtime v2", "Binary naming"
 */

import { failedPrecondition } from "../../base/errors.ts";

/** What each shim's program is called. */
const PREFIX = "containerd-shim-";

/** `io.containerd.runc.v2`: the last two parts name the program. */
const NAME = /^(?:[\w-]+\.)*([\w-]+)\.(v\d+)$/;

/** Debian's packages, by program. */
const PACKAGES: Readonly<Record<string, string | undefined>> = {
  "containerd-shim-runc-v1": "containerd",
  "containerd-shim-runc-v2": "containerd",
};

interface Lookup {
  /** Absolute path of the first of these programs on PATH. */
  findProgram(names: readonly string[]): string | undefined;
  exists(path: string): boolean;
}

/** `runc` of `io.containerd.runc.v2`; of a path likewise. */
export function shimKind(runtime: string): string {
  const program = shimProgram(runtime) ?? runtime;
  return program.slice(PREFIX.length).replace(/-v\d+$/, "");
}

/**
 * Absolute path of the shim's program.
 * @throws {EngineError} `failedPrecondition` with what to install
 */
export function findShim(runtime: string, lookup: Lookup): string {
  const program = shimProgram(runtime) ?? runtime;
  const path = runtime.startsWith("/")
    ? lookup.exists(runtime) ? runtime : undefined
    : lookup.findProgram([program]);
  if (path !== undefined) return path;
  throw failedPrecondition(
    `Cannot find shim "${program}" of runtime "${runtime}"`,
    { hint: installHint(runtime, program) },
  );
}

/** Undefined if `runtime` does not mean a shim. */
function shimProgram(runtime: string): string | undefined {
  if (runtime.startsWith("/")) {
    const base = runtime.slice(runtime.lastIndexOf("/") + 1);
    return base.startsWith(PREFIX) ? base : undefined;
  }
  const [, name, version] = NAME.exec(runtime) ?? [];
  return name === undefined ? undefined : `${PREFIX}${name}-${version}`;
}

function installHint(runtime: string, program: string): string {
  if (runtime.startsWith("/")) return "Give the path of a program that exists";
  const debian = PACKAGES[program];
  return debian === undefined
    ? `Put a program of that name on PATH, or give its absolute path`
    : `Install it: apt-get install ${debian}`;
}
