import type { Context } from "../base/context.ts";
import type { Labels } from "./labels.ts";

/** A value of a named type, as protobuf's Any; kept byte for byte. */
export interface TypedValue {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** A container is a record; what runs is its task. */
export interface Container {
  readonly id: string;
  readonly labels: Labels;
  /** Name of the image; empty if none. */
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: TypedValue };
  /** The OCI runtime spec, JSON. */
  readonly spec?: TypedValue;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, TypedValue>>;
  readonly sandboxId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewContainer =
  & Pick<Container, "id" | "runtime">
  & Partial<Omit<Container, "id" | "runtime" | "createdAt" | "updatedAt">>;

export interface ContainerStore {
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, id: string): Promise<Container>;
  /** The one that has this name, whole; undefined if none has. */
  named(ctx: Context, name: string): Promise<Container | undefined>;
  /**
   * Containers whose id begins with `prefix`, whole and in order of their
   * ids: two at the most, which tell that the beginning is of several. None
   * for an empty prefix.
   */
  beginningWith(ctx: Context, prefix: string): Promise<readonly Container[]>;
  /** @param parts without `spec`, which is large, unless they are whole */
  list(
    ctx: Context,
    filters?: readonly string[],
    parts?: "summary" | "whole",
  ): AsyncIterable<Container>;
  /**
   * As `list()`, those together that are at hand together. To wait for each
   * by itself costs as much as to read it.
   */
  pages(
    ctx: Context,
    filters?: readonly string[],
    parts?: "summary" | "whole",
  ): AsyncIterable<readonly Container[]>;
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, container: NewContainer): Promise<Container>;
  /** @throws {EngineError} `notFound` */
  update(
    ctx: Context,
    container: NewContainer,
    fieldPaths?: readonly string[],
  ): Promise<Container>;
  /** @throws {EngineError} `notFound` */
  delete(ctx: Context, id: string): Promise<void>;
}
