/** The single executable, for tests in which each millisecond counts. */

const BUILD = new URL("../../scripts/build.ts", import.meta.url).pathname;

export interface Executable extends AsyncDisposable {
  readonly path: string;
}

/** Built anew; removed when disposed. */
export async function buildExecutable(): Promise<Executable> {
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
