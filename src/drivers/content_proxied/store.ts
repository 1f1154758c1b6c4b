import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import {
  alreadyExists,
  failedPrecondition,
  hasCode,
  invalidArgument,
  notFound,
  unavailable,
} from "../../base/errors.ts";
import { parseFilters } from "../../base/filters.ts";
import { Gate } from "../../base/gate.ts";
import { AdoptedWriter } from "../../core/adopted_writer.ts";
import type {
  ContentInfo,
  ContentReader,
  ContentStore,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "../../core/content.ts";
import type { Labels } from "../../core/labels.ts";
import type {
  ContentInventory,
  ContentRecords,
  ContentSweeper,
  StoredIngest,
} from "../../core/records.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import {
  type BackendPlace,
  type ContentBackend,
  namedBackend,
} from "./backend.ts";
import { recordedReader } from "./reader.ts";
import { backendRef, parseBackendRef } from "./refs.ts";
import {
  findUnrecorded,
  removeStaleIngests,
  removeUnrecorded,
  type SweepDeps,
} from "./sweep.ts";
import { ProxiedWriter } from "./writer.ts";

export interface ProxiedContentDeps
  extends BackendPlace, Omit<SweepDeps, "gate"> {
  readonly backend: ContentBackend;
  readonly records: ContentRecords & ContentInventory;
}

/** Content whose bytes another program keeps, and we have the records of. */
export type ProxiedContent = ContentStore & Required<ContentSweeper>;

/**
 * Content that another process keeps and we have the records of: which
 * namespace has what, labels, leases, events. Nobody else may record it.
 *
 * The backend has the bytes before there is a record, and until after it is
 * gone, so that whatever it has without one is garbage.
 */
export function createProxiedContent(deps: ProxiedContentDeps): ProxiedContent {
  return new ProxiedContentStore(deps);
}

class ProxiedContentStore implements ProxiedContent {
  readonly #deps: ProxiedContentDeps & SweepDeps;
  readonly #backend: ContentBackend;
  readonly #records: ContentRecords & ContentInventory;
  /** Closed while a blob is removed that nobody has a record of. */
  readonly #gate = new Gate();
  /** Names of ingests that have a writer: nobody else writes there. */
  readonly #written = new Set<string>();
  /** To remove from the backend, unless somebody writes them again. */
  readonly #doomed = new Set<Digest>();
  /** Whether the backend may have what neither records nor `#doomed` name. */
  #leftovers: "none" | "unknown" = "unknown";

  constructor(deps: ProxiedContentDeps) {
    const backend = namedBackend(deps.backend, deps);
    this.#deps = { ...deps, backend, gate: this.#gate };
    this.#backend = backend;
    this.#records = deps.records;
  }

  // deno-lint-ignore require-await
  async readerAt(
    ctx: Context,
    { digest }: Descriptor,
  ): Promise<ContentReader> {
    const { size } = this.#info(ctx, digest);
    const reader = this.#backend.sizedReader(ctx, digest, size);
    return recordedReader({ digest, keeper: this.#deps.name }, reader);
  }

  async writer(
    ctx: Context,
    ref: string,
    expected: ExpectedContent = {},
  ): Promise<ContentWriter> {
    if (ref === "") throw invalidArgument("Cannot write to an empty ref");
    if (ctx.namespace === "") throw failedPrecondition("namespace is required");
    const { digest, size } = expected;
    if (digest !== undefined) {
      const adopted = await this.#adopted(ctx, ref, { digest, size });
      if (adopted !== undefined) return adopted;
    }
    return await this.#open(ctx, ref, expected);
  }

  async #open(
    ctx: Context,
    ref: string,
    expected: ExpectedContent,
  ): Promise<ContentWriter> {
    const name = backendRef(ctx, ref);
    if (this.#written.has(name)) {
      throw unavailable(`Cannot write ref "${ref}": it is locked`, {
        hint: "Somebody else is writing the same content",
      });
    }
    this.#written.add(name);
    try {
      this.#records.holdIngest(ctx, ref);
      // Without the digest: the backend may have what this namespace has not.
      const { size } = expected;
      const total = size === undefined ? {} : { size };
      const writer = await this.#backend.writer(ctx, name, total);
      return new ProxiedWriter({
        ...{ records: this.#records, gate: this.#gate, ref, expected },
        onUnrecorded: (digest) => this.#doomed.add(digest),
        onEnd: () => this.#written.delete(name),
        abort: (ctx) => this.abort(ctx, ref),
      }, writer);
    } catch (error) {
      this.#written.delete(name);
      throw error;
    }
  }

  async status(ctx: Context, ref: string): Promise<IngestStatus> {
    const asked = this.#backend.status(ctx, backendRef(ctx, ref));
    return { ...await ofIngest(ref, asked), ref };
  }

  async *listStatuses(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<IngestStatus> {
    const filter = parseFilters(filters);
    for await (const status of this.#backend.listStatuses(ctx)) {
      const ours = parseBackendRef(status.ref);
      if (ours?.namespace !== ctx.namespace) continue;
      const { ref } = ours;
      const matches = filter(([field]) => field === "ref" ? ref : undefined);
      if (matches) yield { ...status, ref };
    }
  }

  async abort(ctx: Context, ref: string): Promise<void> {
    await ofIngest(ref, this.#backend.abort(ctx, backendRef(ctx, ref)));
  }

  // deno-lint-ignore require-await
  async info(ctx: Context, digest: Digest): Promise<ContentInfo> {
    return this.#info(ctx, digest);
  }

  // deno-lint-ignore require-await
  async update(
    ctx: Context,
    info: Pick<ContentInfo, "digest" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<ContentInfo> {
    return this.#records.update(ctx, info, fieldPaths);
  }

  async *walk(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<ContentInfo> {
    yield* this.#records.walk(ctx, filters);
  }

  async delete(ctx: Context, digest: Digest): Promise<void> {
    this.#records.delete(ctx, digest, () => this.eraseBlob(digest));
    if (!this.#doomed.has(digest)) return;
    try {
      await this.#remove(ctx, digest);
    } catch (error) {
      ctx.log.warn("Left content to the next collection", { digest, error });
    }
  }

  /** Called with the database locked: the program is told in `cleanup`. */
  eraseBlob(digest: Digest): void {
    this.#doomed.add(digest);
  }

  /** None that could be dropped with the database locked. */
  walkIngests(): readonly StoredIngest[] {
    return [];
  }

  dropIngest(_ingest: StoredIngest): boolean {
    return false;
  }

  async cleanup(ctx: Context): Promise<void> {
    if (this.#leftovers === "unknown") {
      const found = await findUnrecorded(ctx, this.#deps);
      for (const digest of found) this.#doomed.add(digest);
      this.#leftovers = "none";
    }
    for (const digest of this.#doomed) {
      ctx.signal.throwIfAborted();
      await this.#remove(ctx, digest);
    }
    await removeStaleIngests(ctx, this.#deps);
  }

  async #remove(ctx: Context, digest: Digest): Promise<void> {
    await removeUnrecorded(ctx, this.#deps, digest);
    this.#doomed.delete(digest);
  }

  #info(ctx: Context, digest: Digest): ContentInfo {
    const info = this.#records.get(ctx, digest);
    if (info === undefined) throw notFound("content", digest);
    return info;
  }

  /**
   * Undefined if the bytes have to be written: also those of a record that
   * the backend has lost, which come back so.
   * @throws {EngineError} `alreadyExists` if this namespace has them, held by
   * the context's lease from now on
   */
  async #adopted(
    ctx: Context,
    ref: string,
    { digest, size: wanted }: Pick<Descriptor, "digest"> & {
      readonly size: number | undefined;
    },
  ): Promise<ContentWriter | undefined> {
    const own = this.#records.hold(ctx, digest);
    const size = own?.size ?? this.#records.sizeToShare(digest);
    if (size === undefined || await this.#sizeThere(ctx, digest) !== size) {
      return undefined;
    }
    if (own !== undefined) throw alreadyExists("content", digest);
    if (wanted !== undefined && wanted !== size) return undefined;
    return new AdoptedWriter({
      ref,
      expected: { digest, size },
      startedAt: this.#deps.now(),
      adopt: (ctx, labels) => this.#adopt(ctx, { digest, size, labels }),
    });
  }

  async #adopt(
    ctx: Context,
    content: {
      readonly digest: Digest;
      readonly size: number;
      readonly labels: Labels;
    },
  ): Promise<void> {
    const { digest, size } = content;
    using _pass = await this.#gate.pass(ctx.signal);
    if (await this.#sizeThere(ctx, digest) !== size) {
      throw notFound("content", digest);
    }
    this.#records.create(ctx, content, () => {});
  }

  async #sizeThere(ctx: Context, digest: Digest): Promise<number | undefined> {
    try {
      return (await this.#backend.info(ctx, digest)).size;
    } catch (error) {
      if (hasCode(error, "notFound")) return undefined;
      throw error;
    }
  }
}

/** Under the name that the client knows. */
async function ofIngest<T>(ref: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw hasCode(error, "notFound") ? notFound("ingest", ref) : error;
  }
}
