/** `--cidfile` */

import { invalidArgument } from "../base/errors.ts";
import { withUsersUmask } from "../app/umask.ts";

/** Disposing removes the file again if no id was written. */
export interface CidFile extends Disposable {
  write(id: string): void;
}

/** Takes the file at once, so that no other container gets it meanwhile. */
export function reserveCidFile(path: string | undefined): CidFile | undefined {
  if (path === undefined) return undefined;
  try {
    withUsersUmask(() => Deno.writeTextFileSync(path, "", { createNew: true }));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) {
      throw invalidArgument(
        `failed to create the container ID file: open ${path}: ${why(cause)}`,
        { cause },
      );
    }
    throw invalidArgument(
      "container ID file found, make sure the other container isn't running " +
        `or delete ${path}`,
      { cause },
    );
  }
  let isWritten = false;
  return {
    write(id) {
      Deno.writeTextFileSync(path, id);
      isWritten = true;
    },
    [Symbol.dispose]() {
      if (!isWritten) Deno.removeSync(path);
    },
  };
}

/** The kernel's words, without number and call. */
function why(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error .*$/s, "").toLowerCase();
}
