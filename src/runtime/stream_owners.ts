/**
 * Runtimes give the standard streams to the container's user, who otherwise
 * could not open `/dev/stdout`. Ours are the caller's terminal and files, so
 * they are given back: disposing restores who owned them.
 */
export function keepStreamOwners(): Disposable {
  const before = streams().map((path) => ({ path, owner: ownerOf(path) }));
  return {
    [Symbol.dispose]() {
      for (const { path, owner } of before) {
        if (owner === undefined || ownerOf(path) === owner) continue;
        try {
          Deno.chownSync(path, owner, null);
        } catch {
          // It could be given away and not be taken back: then it is gone.
        }
      }
    },
  };
}

function streams(): readonly string[] {
  return [0, 1, 2].map((fd) => `/proc/self/fd/${fd}`);
}

/** Undefined if the stream is closed. */
function ownerOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).uid ?? undefined;
  } catch {
    return undefined;
  }
}
