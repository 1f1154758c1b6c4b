/** The programs that are asked before an image is pulled, by whomever. */

import { lazy } from "../base/lazy.ts";
import { parseDuration } from "../base/units.ts";
import type { ImageVerifier } from "../core/image_verifier.ts";
import type { Config } from "./config.ts";

/** What the configuration says of them, key by key as in the file. */
export type VerifierConfig = Readonly<Record<string, unknown>>;

const NAME = "bindir";
const DIRECTORY = "/opt/containerd/image-verifier/bin";
const MOST = 10;
const TIMEOUT = "10s";

/** Those of a command that pulls by itself: the daemon's, by the same file. */
export function imageVerifiers(
  { imageVerifier = {} }: Pick<Config, "imageVerifier">,
): readonly ImageVerifier[] {
  return imageVerifier === "disabled" ? [] : [directoryVerifier(imageVerifier)];
}

/** @throws {EngineError} `invalidArgument` if its time is none */
export function directoryVerifier(config: VerifierConfig): ImageVerifier {
  const options = optionsOf(config);
  const load = lazy(async () =>
    (await import("../drivers/image_verifier/verifier.ts"))
      .createImageVerifier(options)
  );
  return {
    name: NAME,
    verify: async (ctx, reference, target) =>
      await (await load()).verify(ctx, reference, target),
  };
}

function optionsOf(config: VerifierConfig): {
  readonly directory: string;
  readonly most: number;
  readonly timeoutMs: number;
} {
  const {
    bin_dir: directory = DIRECTORY,
    max_verifiers: most = MOST,
    per_verifier_timeout: timeout = TIMEOUT,
  } = config;
  return {
    directory: String(directory),
    most: Number(most),
    timeoutMs: parseDuration("per_verifier_timeout", String(timeout)),
  };
}
