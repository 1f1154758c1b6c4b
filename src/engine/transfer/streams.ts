/** The streams that are open in this process. */

import type { Context } from "../../base/context.ts";
import { alreadyExists, invalidArgument, notFound } from "../../base/errors.ts";
import type { MessageStream, StreamTable } from "../../core/stream.ts";

interface OpenStream {
  readonly stream: MessageStream;
  readonly namespace: string;
  readonly leaseId?: string;
}

export interface OwnStreamTable extends StreamTable {
  /** Leases that streams were opened with. */
  leases(): readonly { readonly namespace: string; readonly id: string }[];
  /** Closes those whose lease is gone. */
  dropLeased(namespace: string, leaseId: string): void;
}

export function createStreamTable(): OwnStreamTable {
  const open = new Map<string, OpenStream>();
  const keyOf = ({ namespace }: Context, name: string) =>
    `${namespace}/${name}`;
  return {
    register(ctx, name, stream) {
      if (name === "") {
        throw invalidArgument("Cannot open a stream without a name");
      }
      const key = keyOf(ctx, name);
      if (open.has(key)) throw alreadyExists("stream", name);
      const { namespace, leaseId } = ctx;
      const entry: OpenStream = {
        stream,
        namespace,
        ...leaseId === undefined ? {} : { leaseId },
      };
      open.set(key, entry);
      return {
        [Symbol.dispose]() {
          if (open.get(key) === entry) open.delete(key);
        },
      };
    },
    get(ctx, name) {
      const entry = open.get(keyOf(ctx, name));
      if (entry === undefined) throw notFound("stream", name);
      return entry.stream;
    },
    leases() {
      return [...open.values()].flatMap(({ namespace, leaseId }) =>
        leaseId === undefined ? [] : [{ namespace, id: leaseId }]
      );
    },
    dropLeased(namespace, leaseId) {
      for (const [key, entry] of open) {
        if (entry.namespace !== namespace || entry.leaseId !== leaseId) {
          continue;
        }
        open.delete(key);
        entry.stream.close();
      }
    },
  };
}
