import type { Context } from "../base/context.ts";
import type { Labels } from "./labels.ts";

export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
}

/** Tenants of the API. Their names are in the arguments, not in the context. */
export interface NamespaceStore {
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, name: string): Promise<Namespace>;
  list(ctx: Context): AsyncIterable<Namespace>;
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, namespace: Namespace): Promise<Namespace>;
  /** @throws {EngineError} `notFound` */
  update(
    ctx: Context,
    namespace: Namespace,
    fieldPaths?: readonly string[],
  ): Promise<Namespace>;
  /** @throws {EngineError} `notFound`; `failedPrecondition` if not empty */
  delete(ctx: Context, name: string): Promise<void>;
}
