/** Descriptors that are closed together, and once. */

import { closeFd, openFifo, setBlocking } from "../sys/descriptors.ts";

export class Descriptors implements Disposable {
  readonly #open = new Set<number>();

  /** @returns `fd` */
  own(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  /** Nothing happens if it is closed already. */
  close(fd: number): void {
    if (this.#open.delete(fd)) closeFd(fd);
  }

  /** Somebody else owns them now. */
  release(): void {
    this.#open.clear();
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open) closeFd(fd);
    this.#open.clear();
  }
}

/** Both ends of a client's FIFO, opened without waiting for the client. */
export interface FifoEnds {
  readonly read: number;
  readonly write: number;
}

/**
 * @param use `child`: the end that the container's process gets waits, as
 * programs expect; `copy`: neither end does
 */
export function openFifoEnds(
  path: string,
  owner: Descriptors,
  use: { readonly read: "child" | "copy"; readonly write: "child" | "copy" },
): FifoEnds {
  // While this is open, neither of the others has to wait for a partner.
  using temporary = new Descriptors();
  temporary.own(openFifo(path, "readWrite"));
  const read = owner.own(openFifo(path, "read"));
  const write = owner.own(openFifo(path, "write"));
  if (use.read === "child") setBlocking(read, "blocking");
  if (use.write === "child") setBlocking(write, "blocking");
  return { read, write };
}
