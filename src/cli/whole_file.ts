/** Files that a user asks a command to write. */

import { invalidArgument, notFound } from "../base/errors.ts";
import { withUsersUmask } from "../app/umask.ts";

/**
 * Writes a file that is there only when it is whole: under another name
 * first, which is removed if anything goes wrong. What is no file, such as
 * `/dev/null` or a pipe, is written to and stays what it is.
 *
 * @param mode permissions of a new file, of which the user's umask takes some
 * @throws {EngineError} `notFound` if the directory is not there;
 * `invalidArgument` if there can't be a file of that name
 */
export async function writeWholeFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  mode = 0o666,
): Promise<void> {
  checkDirectory(path);
  const target = targetOf(path);
  if (target.kind === "stream") return await writeTo(path, bytes, {});
  const partial = `${target.path}.partial-${Deno.pid}`;
  try {
    await writeFile(partial, bytes, mode);
    await Deno.rename(partial, target.path);
  } catch (error) {
    await Deno.remove(partial).catch(() => undefined);
    throw error;
  }
}

/** Writes or overwrites a file as it comes. */
export async function writeFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  mode = 0o666,
): Promise<void> {
  await writeTo(path, bytes, { create: true, truncate: true, mode });
}

async function writeTo(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  options: Deno.OpenOptions,
): Promise<void> {
  using file = withUsersUmask(() =>
    Deno.openSync(path, { write: true, ...options })
  );
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      at += await file.write(chunk.subarray(at));
    }
  }
}

/** A link stays, and leads to what is written. */
function targetOf(
  path: string,
): { readonly kind: "file"; readonly path: string } | {
  readonly kind: "stream";
} {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { kind: "file", path };
  }
  if (info.isDirectory) {
    throw invalidArgument(`Cannot write "${path}": it is a directory`, {
      hint: "Name a file with --output",
    });
  }
  if (!info.isFile) return { kind: "stream" };
  return { kind: "file", path: Deno.realPathSync(path) };
}

/** Before anything is read or packed. */
function checkDirectory(path: string): void {
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "." : path.slice(0, slash) || "/";
  try {
    if (Deno.statSync(directory).isDirectory) return;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw notFound("directory", directory, {
      cause,
      hint: "Make it, or name another file with --output",
    });
  }
  throw invalidArgument(`Cannot write "${path}": "${directory}" is a file`);
}
