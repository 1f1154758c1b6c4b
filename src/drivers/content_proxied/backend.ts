/** A program that keeps bytes, as this driver calls it. */

import type { Context } from "../../base/context.ts";
import { hasCode, unavailable } from "../../base/errors.ts";
import type { ContentStore, ContentWriter } from "../../core/content.ts";

export interface BackendPlace {
  /** Of the plugin. */
  readonly name: string;
  /** Path of its socket. */
  readonly address: string;
}

/**
 * All bytes are one namespace's over there, since ours share them; a program
 * that knows no namespaces does not mind.
 */
const NAMESPACE = "coracle";

/** The backend under its plugin's name: failures say whose they are. */
export function namedBackend(
  backend: ContentStore,
  place: BackendPlace,
): ContentStore {
  const asked = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw named(error, place);
    }
  };
  async function* told<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* values;
    } catch (error) {
      throw named(error, place);
    }
  }
  return {
    readerAt: async (ctx, descriptor) => {
      const reader = await asked(backend.readerAt(there(ctx), descriptor));
      return {
        size: reader.size,
        readAt: (buffer, offset) => asked(reader.readAt(buffer, offset)),
        [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
      };
    },
    writer: async (ctx, ref, expected) =>
      namedWriter(
        await asked(backend.writer(there(ctx), ref, expected)),
        asked,
      ),
    status: (ctx, ref) => asked(backend.status(there(ctx), ref)),
    listStatuses: (ctx, filters) =>
      told(backend.listStatuses(there(ctx), filters)),
    abort: (ctx, ref) => asked(backend.abort(there(ctx), ref)),
    info: (ctx, digest) => asked(backend.info(there(ctx), digest)),
    update: (ctx, info, paths) =>
      asked(backend.update(there(ctx), info, paths)),
    walk: (ctx, filters) => told(backend.walk(there(ctx), filters)),
    delete: (ctx, digest) => asked(backend.delete(there(ctx), digest)),
  };
}

function namedWriter(
  writer: ContentWriter,
  asked: <T>(work: Promise<T>) => Promise<T>,
): ContentWriter {
  return {
    status: () => asked(writer.status()),
    write: (chunk) => asked(writer.write(chunk)),
    digest: () => asked(writer.digest()),
    truncate: (size) => asked(writer.truncate(size)),
    commit: (ctx, options) => asked(writer.commit(there(ctx), options)),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

function named(error: unknown, { name, address }: BackendPlace): unknown {
  if (!hasCode(error, "unavailable")) return error;
  return unavailable(`Cannot use content store "${name}": ${error.message}`, {
    cause: error,
    hint: `Is the program running that serves ${address}?`,
  });
}

/** Leases stay here: they hold records, of which the backend knows nothing. */
function there({ leaseId: _, ...ctx }: Context): Context {
  return { ...ctx, namespace: NAMESPACE };
}
