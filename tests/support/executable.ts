/** The single executable, for tests in which each millisecond counts. */

import { EXECUTABLE_VARIABLE } from "./program.ts";

const BUILD = new URL("../../scripts/build.ts", import.meta.url).pathname;

export interface Executable extends AsyncDisposable {
  readonly path: string;
}

/** The one that is there, or built anew and removed when disposed. */
export async function buildExecutable(): Promise<Executable> {
  const made = Deno.env.get(EXECUTABLE_VARIABLE);
  if (made) return { path: made, [Symbol.asyncDispose]: async () => {} };
  const dir = await Deno.makeTempDir({ prefix: "coracle-bin-" });
  // Ordinary users run it, too.
  await Deno.chmod(dir, 0o755);
  const path = `${dir}/coracle`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", BUILD, "--output", path],
    stdin: "null",
    stdout: "null",
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}
