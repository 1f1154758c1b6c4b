/**
 * The directory in which a command was typed. Joining a mount namespace leads
 * to its root, so the second start of the command has to go back there, before
 * it reads the first of the user's relative paths.
 */

const DIRECTORY = "_CORACLE_DIRECTORY";

/** For the environment of the second start. */
export function directoryVariable(): Readonly<Record<string, string>> {
  return { [DIRECTORY]: Deno.cwd() };
}

/** Does nothing in the first start, and when called again. */
export function returnToDirectory(): void {
  const directory = Deno.env.get(DIRECTORY);
  if (directory === undefined) return;
  Deno.env.delete(DIRECTORY);
  try {
    Deno.chdir(directory);
  } catch {
    // It was removed; only a relative path would miss it, and says so.
  }
}
