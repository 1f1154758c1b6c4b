import type { Context } from "../base/context.ts";

/** One mount(2), as containerd's API carries it: plain kernel types only. */
export interface Mount {
  /** `overlay`, `bind`, `tmpfs`, … */
  readonly type: string;
  readonly source: string;
  /** As in fstab: `ro`, `rbind`, `lowerdir=…`. */
  readonly options: readonly string[];
}

export interface Mounter {
  /**
   * Mounts one over the other at `target`, an existing directory. Disposing
   * the result unmounts all of them (detached if busy).
   */
  mount(
    ctx: Context,
    mounts: readonly Mount[],
    target: string,
  ): Promise<AsyncDisposable>;
  /**
   * Shows what the mounts would, one over the other, to this process only, and
   * so that nothing of it is left when this process is killed. Without any it
   * is an empty directory.
   */
  open(ctx: Context, mounts: readonly Mount[]): Promise<OpenMounts>;
  /** Unmounts everything at `target`; nothing there is no error. */
  unmountAll(ctx: Context, target: string): Promise<void>;
}

/** Files that are mounted nowhere. Disposing lets them go. */
export interface OpenMounts extends Disposable {
  /** By which this process reaches the topmost directory. */
  readonly path: string;
}
