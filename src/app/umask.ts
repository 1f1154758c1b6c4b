/** The umask: which permissions new files do not get. Of the whole process. */

/** What containers see must not depend on who calls. */
const ENGINE_UMASK = 0o022;

let usersOwn: number | undefined;

/**
 * From now on new files have the permissions that a container expects, as if a
 * system's daemon made them. Children inherit it.
 */
export function useEngineUmask(): void {
  usersOwn ??= Deno.umask(ENGINE_UMASK);
}

/** Makes files that are for the user alone, as he wants all of his to be. */
export function withUsersUmask<T>(make: () => T): T {
  if (usersOwn === undefined) return make();
  const before = Deno.umask(usersOwn);
  try {
    return make();
  } finally {
    Deno.umask(before);
  }
}
