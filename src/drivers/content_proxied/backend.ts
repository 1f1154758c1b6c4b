/** A program that keeps bytes, as this driver calls it. */

import type { Context } from "../../base/context.ts";
import type {
  ContentReader,
  ContentStore,
  ContentWriter,
  SizedContent,
} from "../../core/content.ts";
import { asked, askedForMany } from "../../core/other_program.ts";

export interface BackendPlace {
  /** Of the plugin. */
  readonly name: string;
  /** Path of its socket. */
  readonly address: string;
}

/** The records know how large a blob is. */
export type ContentBackend = ContentStore & SizedContent;

type Ask = <T>(work: Promise<T>) => Promise<T>;

/**
 * All bytes are one namespace's over there, since ours share them; a program
 * that knows no namespaces does not mind.
 */
const NAMESPACE = "coracle";

/** The backend under its plugin's name: failures say whose they are. */
export function namedBackend(
  backend: ContentBackend,
  { name, address }: BackendPlace,
): ContentBackend {
  const program = { title: `content store "${name}"`, address };
  const ask: Ask = (work) => asked(program, work);
  return {
    readerAt: async (ctx, descriptor) =>
      namedReader(await ask(backend.readerAt(there(ctx), descriptor)), ask),
    sizedReader: (ctx, digest, size) =>
      namedReader(backend.sizedReader(there(ctx), digest, size), ask),
    writer: async (ctx, ref, expected) =>
      namedWriter(
        await ask(backend.writer(there(ctx), ref, expected)),
        ask,
      ),
    status: (ctx, ref) => ask(backend.status(there(ctx), ref)),
    listStatuses: (ctx, filters) =>
      askedForMany(program, backend.listStatuses(there(ctx), filters)),
    abort: (ctx, ref) => ask(backend.abort(there(ctx), ref)),
    info: (ctx, digest) => ask(backend.info(there(ctx), digest)),
    update: (ctx, info, paths) => ask(backend.update(there(ctx), info, paths)),
    walk: (ctx, filters) =>
      askedForMany(program, backend.walk(there(ctx), filters)),
    delete: (ctx, digest) => ask(backend.delete(there(ctx), digest)),
  };
}

function namedReader(reader: ContentReader, ask: Ask): ContentReader {
  return {
    size: reader.size,
    readAt: (buffer, offset) => ask(reader.readAt(buffer, offset)),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function namedWriter(
  writer: ContentWriter,
  ask: Ask,
): ContentWriter {
  return {
    status: () => ask(writer.status()),
    write: (chunk) => ask(writer.write(chunk)),
    digest: () => ask(writer.digest()),
    truncate: (size) => ask(writer.truncate(size)),
    commit: (ctx, options) => ask(writer.commit(there(ctx), options)),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

/** Leases stay here: they hold records, of which the backend knows nothing. */
function there({ leaseId: _, ...ctx }: Context): Context {
  return { ...ctx, namespace: NAMESPACE };
}
