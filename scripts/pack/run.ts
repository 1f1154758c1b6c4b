/** Runs what the build is made with. */

const TRUST = "DENO_TLS_CA_STORE";

/** Deno fetches more of itself when it needs it, but trusts Mozilla only. */
export const TRUSTING: Readonly<Record<string, string>> = {
  [TRUST]: Deno.env.get(TRUST) ?? "mozilla,system",
};

/**
 * Runs a program of the build.
 * @returns what it writes
 * @throws {Error} with what it writes to standard error, if it fails
 */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  input = "",
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: TRUSTING,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  throw new Error(`${program} failed:\n${decoder.decode(stderr)}`);
}
