/** Volumes: directories that outlive the containers they are mounted in. */

import type { Context } from "../base/context.ts";

export interface VolumeInfo {
  /**
   * As `inspect` of a container shows it. One that got none from its user goes
   * by its container's id: `.ID/NUMBER`.
   */
  readonly name: string;
  readonly kind: "named" | "anonymous";
  /** The directory that is mounted, absolute. */
  readonly mountpoint: string;
  readonly createdAt: Date;
}

/** Those of the context's namespace. Who uses them is not known here. */
export interface VolumeStore {
  /** By name. */
  list(ctx: Context): AsyncIterable<VolumeInfo>;
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, name: string): Promise<VolumeInfo>;
  /**
   * One that is there already is fine.
   * @param name of its user's choice, known to be valid
   */
  create(ctx: Context, name: string): Promise<VolumeInfo>;
  /** With all that is in it. @throws {EngineError} `notFound` */
  remove(ctx: Context, name: string): Promise<void>;
  /** Bytes on disk. @throws {EngineError} `notFound` */
  usage(ctx: Context, name: string): Promise<number>;
  /** While it is held, no container that is being made gets a volume. */
  lock(ctx: Context): Promise<Disposable>;
}

/**
 * Of the lock on a namespace's volumes. No namespace starts with a dot.
 * @param root directory of all volumes
 */
export function volumesLock(root: string, namespace: string): string {
  return `${root}/.${namespace}.lock`;
}
