import type { Context } from "../base/context.ts";
import type { Descriptor } from "../oci/image_spec.ts";

export interface Judgement {
  /** Whether the image may be pulled. */
  readonly ok: boolean;
  /** Why, for people. */
  readonly reason: string;
}

/** Says whether an image may be pulled. */
export interface ImageVerifier {
  /** `bindir` */
  readonly name: string;
  /**
   * @param reference name of the image, as it was asked for
   * @param target what it points to
   * @throws {EngineError} if it can't tell, which is no permission
   */
  verify(
    ctx: Context,
    reference: string,
    target: Descriptor,
  ): Promise<Judgement>;
}
