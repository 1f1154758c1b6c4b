import type { SpecDevice } from "../oci/runtime_spec.ts";

/** What a container has of its own, or must not share. */
const OWN: ReadonlySet<string> = new Set([
  "/dev/.lxc",
  "/dev/.lxd-mounts",
  "/dev/.udev",
  "/dev/console",
  "/dev/fd",
  "/dev/mqueue",
  "/dev/ptmx",
  "/dev/pts",
  "/dev/shm",
]);

/** All device nodes below a directory; symbolic links are not followed. */
export function readDevices(directory: string): readonly SpecDevice[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name }) => {
    const path = `${directory}/${name}`;
    if (OWN.has(path)) return [];
    const info = Deno.lstatSync(path);
    if (info.isDirectory) return readDevices(path);
    const device = readDevice(path, info);
    return device === undefined ? [] : [device];
  });
}

/** Undefined if `path` is no device. */
export function readDevice(
  path: string,
  info: Deno.FileInfo,
): SpecDevice | undefined {
  if (info.isCharDevice !== true && info.isBlockDevice !== true) {
    return undefined;
  }
  const { major, minor } = deviceNumbers(info.rdev ?? 0);
  return {
    path,
    type: info.isBlockDevice === true ? "b" : "c",
    major,
    minor,
    fileMode: (info.mode ?? 0) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
  };
}

/** @see makedev(3): the bits of both numbers are interleaved */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  const major = (device >> 8n & 0xfffn) | (device >> 32n & 0xfffff000n);
  const minor = (device & 0xffn) | (device >> 12n & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
