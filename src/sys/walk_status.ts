export type FileKind =
  | "file"
  | "directory"
  | "symlink"
  | "char"
  | "block"
  | "fifo"
  | "socket";

/** What statx(2) says. */
export interface FileStatus {
  readonly kind: FileKind;
  /** Permission bits with setuid, setgid and sticky, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly mtime: { readonly sec: number; readonly nsec: number };
  /** How many names the file has. */
  readonly links: number;
  /** The same for all names of one file. */
  readonly identity: string;
  /** Of devices. */
  readonly devMajor: number;
  readonly devMinor: number;
}

/** Size of `struct statx`. */
export const STATUS_BYTES = 256;

/** By the top four bits of the mode. */
const KINDS: Readonly<Record<number, FileKind>> = {
  1: "fifo",
  2: "char",
  4: "directory",
  6: "block",
  8: "file",
  10: "symlink",
  12: "socket",
};

/** @param view of a `struct statx`. @see statx(2) */
export function decodeStatus(view: DataView<ArrayBuffer>): FileStatus {
  const mode = view.getUint16(28, true);
  return {
    kind: KINDS[mode >> 12] ?? "file",
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    size: Number(view.getBigUint64(40, true)),
    mtime: {
      sec: Number(view.getBigInt64(112, true)),
      nsec: view.getUint32(120, true),
    },
    links: view.getUint32(16, true),
    identity: [
      view.getUint32(136, true),
      view.getUint32(140, true),
      view.getBigUint64(32, true),
    ].join(":"),
    devMajor: view.getUint32(128, true),
    devMinor: view.getUint32(132, true),
  };
}
