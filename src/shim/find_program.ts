import { failedPrecondition } from "../base/errors.ts";

const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * @param name of a program on PATH, or an absolute path
 * @param env `NAME=value`
 * @returns its absolute path
 * @throws {EngineError} `failedPrecondition`
 */
export function findProgram(name: string, env: readonly string[]): string {
  if (name.startsWith("/")) return programAt(name);
  const path = env.find((it) => it.startsWith("PATH="))?.slice(5) ?? "";
  const found = `${path}:${DEFAULT_PATH}`.split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory}/${name}`)
    .find(isProgram);
  if (found !== undefined) return found;
  throw failedPrecondition(`Cannot find OCI runtime "${name}"`, {
    hint: `Install it: apt-get install ${name}`,
  });
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
