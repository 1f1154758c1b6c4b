/** Asking whether an image may be pulled. */

import type { Context } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import type { ImageVerifier } from "../core/image_verifier.ts";
import type { Descriptor } from "../oci/image_spec.ts";

/**
 * All have to say yes.
 * @param name of the image, as it was asked for
 * @throws {EngineError} in containerd's words if one does not
 */
export async function verifyImage(
  ctx: Context,
  verifiers: readonly ImageVerifier[],
  name: string,
  target: Descriptor,
): Promise<void> {
  for (const verifier of verifiers) {
    const { ok, reason } = await judged(ctx, verifier, name, target);
    const fields = { name, verifier: verifier.name, reason };
    if (ok) {
      ctx.log.debug("Verified an image", fields);
      continue;
    }
    ctx.log.info("Refused an image", fields);
    throw new EngineError(
      "unknown",
      `image verifier ${verifier.name} blocked pull of ${name} with digest ` +
        `${target.digest} for reason: ${reason}`,
      { hint: "The programs that judge images are this host's own policy" },
    );
  }
}

async function judged(
  ctx: Context,
  verifier: ImageVerifier,
  name: string,
  target: Descriptor,
): ReturnType<ImageVerifier["verify"]> {
  try {
    return await verifier.verify(ctx, name, target);
  } catch (cause) {
    const { code, message } = EngineError.from(cause);
    throw new EngineError(
      code,
      `blocking pull of ${name} with digest ${target.digest}: image verifier ` +
        `${verifier.name} returned error: ${message}`,
      { cause },
    );
  }
}
