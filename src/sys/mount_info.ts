/** One mount of this mount namespace. @see proc(5), "/proc/pid/mountinfo" */
export interface MountEntry {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Directory of the file system that is mounted, `/` for all of it. */
  readonly root: string;
  readonly mountPoint: string;
  /** Of this mount: `rw`, `nosuid`, `relatime`, … */
  readonly options: readonly string[];
  /** Peer groups: `shared:5`, `master:1`, … */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Of the file system, for instance overlay's `lowerdir=…`. */
  readonly superOptions: readonly string[];
}

/** All mounts that this process sees, in the order they were made. */
export function readMounts(): MountEntry[] {
  return parseMountinfo(Deno.readTextFileSync("/proc/self/mountinfo"));
}

/** Lines that don't parse are left out. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const entry = parseLine(line);
    return entry === undefined ? [] : [entry];
  });
}

function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  if (dash < 0) return undefined;
  const [id, parentId, device, root, mountPoint, options] = fields;
  const [type, source, superOptions] = fields.slice(dash + 1);
  if (options === undefined || type === undefined) return undefined;
  return {
    id: Number(id),
    parentId: Number(parentId),
    device: device ?? "",
    root: unescape(root ?? ""),
    mountPoint: unescape(mountPoint ?? ""),
    options: options.split(","),
    propagation: fields.slice(6, dash),
    type: unescape(type),
    source: unescape(source ?? ""),
    superOptions: unescape(superOptions ?? "").split(","),
  };
}

/** The kernel writes blanks, tabs, newlines and backslashes in octal. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(
    /\\([0-7]{3})/g,
    (_, octal) => String.fromCharCode(parseInt(octal, 8)),
  );
}

/** Mounts at `directory` and below, the last made first: the order to undo. */
export function mountsBelow(
  directory: string,
  mounts: readonly MountEntry[] = readMounts(),
): MountEntry[] {
  return mounts.filter(({ mountPoint }) =>
    mountPoint === directory || mountPoint.startsWith(`${directory}/`)
  ).reverse();
}

/** The mount that `path` lies on; `path` is absolute and free of symlinks. */
export function mountOf(
  path: string,
  mounts: readonly MountEntry[] = readMounts(),
): MountEntry | undefined {
  let best: MountEntry | undefined;
  for (const entry of mounts) {
    const { mountPoint } = entry;
    const holds = mountPoint === "/" || path === mountPoint ||
      path.startsWith(`${mountPoint}/`);
    // Of two at one place the later one hides the earlier one.
    if (holds && mountPoint.length >= (best?.mountPoint.length ?? 0)) {
      best = entry;
    }
  }
  return best;
}
