import { invalidArgument, unimplemented } from "../base/errors.ts";

/** mount(2) flags, the same on every architecture. */
export const MS = {
  RDONLY: 1,
  NOSUID: 1 << 1,
  NODEV: 1 << 2,
  NOEXEC: 1 << 3,
  SYNCHRONOUS: 1 << 4,
  REMOUNT: 1 << 5,
  MANDLOCK: 1 << 6,
  DIRSYNC: 1 << 7,
  NOSYMFOLLOW: 1 << 8,
  NOATIME: 1 << 10,
  NODIRATIME: 1 << 11,
  BIND: 1 << 12,
  REC: 1 << 14,
  SILENT: 1 << 15,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  STRICTATIME: 1 << 24,
  LAZYTIME: 1 << 25,
} as const;

type Change = readonly [effect: "set" | "clear", flag: number];

/** Options that are flags, as mount(8) and containerd name them. */
const FLAGS: Readonly<Record<string, Change>> = {
  async: ["clear", MS.SYNCHRONOUS],
  atime: ["clear", MS.NOATIME],
  bind: ["set", MS.BIND],
  dev: ["clear", MS.NODEV],
  diratime: ["clear", MS.NODIRATIME],
  dirsync: ["set", MS.DIRSYNC],
  exec: ["clear", MS.NOEXEC],
  lazytime: ["set", MS.LAZYTIME],
  loud: ["clear", MS.SILENT],
  mand: ["set", MS.MANDLOCK],
  noatime: ["set", MS.NOATIME],
  nodev: ["set", MS.NODEV],
  nodiratime: ["set", MS.NODIRATIME],
  noexec: ["set", MS.NOEXEC],
  nolazytime: ["clear", MS.LAZYTIME],
  nomand: ["clear", MS.MANDLOCK],
  norelatime: ["clear", MS.RELATIME],
  nostrictatime: ["clear", MS.STRICTATIME],
  nosuid: ["set", MS.NOSUID],
  nosymfollow: ["set", MS.NOSYMFOLLOW],
  rbind: ["set", MS.BIND | MS.REC],
  relatime: ["set", MS.RELATIME],
  remount: ["set", MS.REMOUNT],
  ro: ["set", MS.RDONLY],
  rw: ["clear", MS.RDONLY],
  silent: ["set", MS.SILENT],
  strictatime: ["set", MS.STRICTATIME],
  suid: ["clear", MS.NOSUID],
  symfollow: ["clear", MS.NOSYMFOLLOW],
  sync: ["set", MS.SYNCHRONOUS],
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
};

/** What mount(2) takes in place of a list of options. */
export interface ParsedOptions {
  readonly flags: number;
  /** Propagation types, in order: each needs a call of its own. */
  readonly propagation: readonly number[];
  /** The file system's own options, in order. */
  readonly data: readonly string[];
}

/**
 * Sorts options, written as in fstab, into flags and data. A later option
 * beats an earlier one. `defaults` and comments (`x-…`) mean nothing here.
 *
 * @throws {EngineError} `invalidArgument` if an option holds a NUL byte;
 * `unimplemented` for `loop`
 */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const change = lookUp(FLAGS, option);
    const type = lookUp(PROPAGATION, option);
    if (change !== undefined) {
      flags = change[0] === "set" ? flags | change[1] : flags & ~change[1];
    } else if (type !== undefined) propagation.push(type);
    else if (isData(option)) data.push(option);
  }
  return { flags, propagation, data };
}

function lookUp<T>(
  table: Readonly<Record<string, T>>,
  key: string,
): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function isData(option: string): boolean {
  if (option.includes("\0")) {
    throw invalidArgument(`Cannot use mount option ${JSON.stringify(option)}`);
  }
  if (option === "loop") throw unimplemented("mount through a loop device");
  return option !== "" && option !== "defaults" && !/^x-/i.test(option);
}

/** Flags that a mount keeps for itself, by their names in mountinfo. */
export function flagsOf(names: readonly string[]): number {
  return parseMountOptions(names).flags;
}
