/** Facts about processes, from /proc. */

/** A process that can't be mistaken for a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and the start of the process. */
  readonly startTime: number;
}

/** Names of namespaces, as /proc shows them: `user:[4026531837]`. */
export interface NamespaceNames {
  readonly user: string;
  readonly mount: string;
}

/** Undefined if there is no such process. */
export function processStartTime(pid: number): number | undefined {
  const stat = ifReadable(() => Deno.readTextFileSync(`/proc/${pid}/stat`));
  if (stat === undefined) return undefined;
  // The name, in parentheses, may hold anything; the start time is field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isZombie = fields[0] === "Z" || fields[0] === "X";
  return isZombie ? undefined : Number(fields[19]);
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return processStartTime(pid) === startTime;
}

/** Undefined if there is no such process or it is not ours to look at. */
export function namespaceNames(
  pid: number | "self",
): NamespaceNames | undefined {
  return ifReadable(() => ({
    user: Deno.readLinkSync(`/proc/${pid}/ns/user`),
    mount: Deno.readLinkSync(`/proc/${pid}/ns/mnt`),
  }));
}

/** Processes that live in exactly these namespaces. */
export function* processesIn(names: NamespaceNames): Iterable<number> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const found = namespaceNames(Number(name));
    if (found?.user === names.user && found.mount === names.mount) {
      yield Number(name);
    }
  }
}

/** Absolute path of a program on PATH or where root's programs are. */
export function findProgram(
  name: string,
  path: string | undefined,
): string | undefined {
  const usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
  const directories = [...(path ?? "").split(":"), ...usual];
  return directories
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory}/${name}`)
    .find((file) => ifReadable(() => isProgram(file)) === true);
}

function isProgram(file: string): boolean {
  const { isFile, mode } = Deno.statSync(file);
  return isFile && ((mode ?? 0) & 0o111) !== 0;
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const unreadable = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotADirectory ||
      (error instanceof Error && "code" in error && error.code === "ESRCH");
    if (unreadable) return undefined;
    throw error;
  }
}
