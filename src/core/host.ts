/**
 * The machine, as far as starting a container needs it. Most methods are
 * synchronous: each is a system call or a few, all of them local.
 */

import type { SpecDevice } from "../oci/runtime_spec.ts";
import type { HostFacts } from "../oci/spec/facts.ts";

export interface Host {
  /** Collected at the first call, the same afterwards. */
  facts(): HostFacts;
  /** Text of a file of the host; undefined if there is none. */
  readText(path: string): string | undefined;
  /** Replaces a file of the host, in a directory that exists. */
  writeText(path: string, text: string): void;
  /** Absolute path of the first of these programs on PATH. */
  findProgram(names: readonly string[]): string | undefined;
  exists(path: string): boolean;
  /** Makes a directory of the host and its parents. */
  makeDirectory(path: string): void;
  removeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Waits for a lock; its file is made with the directories above it. */
  lock(path: string): Promise<Disposable>;
  /**
   * The device at `path`, or all those below it if it is a directory.
   * @throws {EngineError} `notFound`, `invalidArgument` if it is no device
   */
  deviceNodes(path: string): readonly SpecDevice[];
  /** @param path of a root file system that others may have written */
  openRoot(path: string): RootDirectory;
}

export interface RootEntry {
  readonly kind: "file" | "directory" | "other";
  /** Permission bits. */
  readonly mode: number;
}

/**
 * A root file system seen from outside. Every path is looked up in it as a
 * process in it would: symbolic links and `..` never lead out.
 */
export interface RootDirectory extends Disposable {
  /** Undefined if there is no such file. Not more than `maxBytes` are read. */
  readText(path: string, maxBytes?: number): string | undefined;
  stat(path: string): RootEntry | undefined;
  /** Where symbolic links lead, also if there is nothing. */
  resolve(path: string): string;
  /** Makes a directory with its parents; an existing one is no error. */
  makeDirectory(path: string): void;
  /**
   * Copies the directory `path` with all that is in it to `target`, which
   * must not exist on the host. Does nothing if there is no such directory.
   * @returns true if it was copied
   */
  copyOut(path: string, target: string): Promise<boolean>;
}
