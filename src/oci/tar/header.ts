/**
 * The words of the tar codec.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange
 * Format"; GNU tar manual, "Basic Tar Format" and "Storing Sparse Files"
 */

export const BLOCK_SIZE = 512;

/** Cap of one extended header, of one long name, of one sparse map, in bytes. */
export const MAX_EXTENSION_BYTES = 1 << 20;

/** Cap of a name or of a link's target, in bytes. */
export const MAX_NAME_BYTES = 65_535;

export type TarEntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "char"
  | "block"
  | "fifo";

/** A point in time, exact to the nanosecond; `sec` may be negative. */
export interface TarTime {
  /** Seconds since 1970, rounded down. */
  readonly sec: number;
  /** 0 to 999,999,999, always forward from `sec`. */
  readonly nsec: number;
}

/** A stretch of a sparse file that holds data; what lies between is zeros. */
export interface SparseSegment {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes, never 0. */
  readonly length: number;
}

/**
 * One entry. Names are what the archive says, neither cleaned nor checked;
 * bytes that are no UTF-8 are escaped as in base/path_bytes.ts. The names of
 * owners are left out, because in images owners are numbers.
 */
export interface TarHeader {
  /** Place in the archive, from 0; extended headers aren't counted. */
  readonly index: number;
  readonly type: TarEntryType;
  readonly name: string;
  /** Target of a symlink, name of the entry that a hard link repeats, or "". */
  readonly linkName: string;
  /** Permission bits with setuid, setgid and sticky, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that arrive as data; 0 for everything but files. */
  readonly size: number;
  /** Bytes of the file when unpacked; more than `size` if it has holes. */
  readonly realSize: number;
  /**
   * Where the data belongs, ascending, not overlapping, `size` bytes in all;
   * undefined if the file is not sparse.
   */
  readonly sparse: readonly SparseSegment[] | undefined;
  readonly mtime: TarTime;
  readonly atime: TarTime | undefined;
  readonly devMajor: number;
  readonly devMinor: number;
  /** By full name, for instance `security.capability`; undefined if none. */
  readonly xattrs: ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined;
}

/** Takes what a `TarReader` reads, in the order of the archive. */
export interface TarHandler {
  entry(header: TarHeader): void;
  /**
   * Data of the current entry: a part of the buffer that was pushed, valid
   * only during the call. Never empty.
   */
  data(chunk: Uint8Array): void;
  /** All data of the entry has been given. */
  endEntry(): void;
}
