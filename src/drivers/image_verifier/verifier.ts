/**
 * Asks the programs of a directory whether an image may be pulled, one after
 * the other in the order of their names. All have to say yes.
 *
 * @see containerd, docs/image-verification.md
 */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { ImageVerifier, Judgement } from "../../core/image_verifier.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import { runVerifier } from "./run_verifier.ts";

export interface ImageVerifierOptions {
  /** Directory of the programs. */
  readonly directory: string;
  /** How many are asked at the most; negative: all. */
  readonly most: number;
  readonly timeoutMs: number;
}

export function createImageVerifier(
  options: ImageVerifierOptions,
): ImageVerifier {
  return {
    name: "bindir",
    verify: (ctx, reference, target) => verify(ctx, options, reference, target),
  };
}

async function verify(
  ctx: Context,
  { directory, most, timeoutMs }: ImageVerifierOptions,
  reference: string,
  target: Descriptor,
): Promise<Judgement> {
  const names = namesIn(directory);
  if (names === undefined) {
    const reason = `image verifier directory ${directory} does not exist`;
    return { ok: true, reason };
  }
  if (names.length === 0) {
    const reason = `no image verifier binaries found in ${directory}`;
    return { ok: true, reason };
  }
  const asked = most < 0 ? names : names.slice(0, most);
  if (asked.length < names.length) {
    ctx.log.warn("Left out image verifiers: there are more than allowed", {
      directory,
      verifiers: names.length,
      most,
    });
  }
  const reasons: string[] = [];
  for (const name of asked) {
    const log = ctx.log.with({ verifier: name });
    const program = `${directory}/${name}`;
    const { exitCode, said } = await runVerifier(
      { ...ctx, log },
      { program, reference, target, timeoutMs },
    );
    if (exitCode !== 0) {
      const reason =
        `verifier ${name} rejected image (exit code ${exitCode}): ${said}`;
      return { ok: false, reason };
    }
    reasons.push(`${name} => ${said}`);
  }
  return { ok: true, reason: reasons.join(", ") };
}

/** In order; undefined if there is no such directory. */
function namesIn(directory: string): readonly string[] | undefined {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw EngineError.from(error);
  }
}
