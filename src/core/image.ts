import type { Context } from "../base/context.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Labels } from "./labels.ts";

/** A name pointing at a descriptor. */
export interface Image {
  /** Normalised reference, for instance `docker.io/library/alpine:latest`. */
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewImage = Pick<Image, "name" | "target"> & {
  readonly labels?: Labels;
};

/** Without a target, that stays as it is. */
export type ImageUpdate = Pick<Image, "name"> & Partial<NewImage>;

export interface DeleteOptions {
  /** `synchronous`: garbage has been collected when the call answers. */
  readonly collect?: "synchronous" | "later";
}

export interface DeleteImageOptions extends DeleteOptions {
  /** Only if the name still points there. */
  readonly target?: Descriptor;
}

export interface ImageStore {
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, name: string): Promise<Image>;
  list(ctx: Context, filters?: readonly string[]): AsyncIterable<Image>;
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, image: NewImage): Promise<Image>;
  /**
   * Without `fieldPaths` everything but the times is replaced; else only
   * `target`, `labels`, `labels.KEY`, `annotations`.
   * @throws {EngineError} `notFound`
   */
  update(
    ctx: Context,
    image: ImageUpdate,
    fieldPaths?: readonly string[],
  ): Promise<Image>;
  /** @throws {EngineError} `notFound`, also if it points elsewhere */
  delete(
    ctx: Context,
    name: string,
    options?: DeleteImageOptions,
  ): Promise<void>;
}
