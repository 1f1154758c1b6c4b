import { failedPrecondition } from "../base/errors.ts";

const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * @param name of a runtime on PATH, or an absolute path
 * @param env `NAME=value`
 * @returns its absolute path
 * @throws {EngineError} `failedPrecondition`
 */
export function findRuntime(name: string, env: readonly string[]): string {
  if (name.startsWith("/")) return programAt(name);
  const found = programOnPath(name, env);
  if (found !== undefined) return found;
  throw failedPrecondition(`Cannot find OCI runtime "${name}"`, {
    hint: `Install it: apt-get install ${name}`,
  });
}

/** @returns its absolute path, if it is there */
export function programOnPath(
  name: string,
  env: readonly string[],
): string | undefined {
  const path = env.find((it) => it.startsWith("PATH="))?.slice(5) ?? "";
  return `${path}:${DEFAULT_PATH}`.split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory}/${name}`)
    .find(isProgram);
}

function programAt(path: string): string {
  if (isProgram(path)) return path;
  throw failedPrecondition(`Cannot find OCI runtime "${path}"`);
}

function isProgram(path: string): boolean {
  try {
    const info = Deno.statSync(path);
    return info.isFile && ((info.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
