/** Who is asked before an image is pulled. */

import { lazy } from "../../base/lazy.ts";
import { parseDuration } from "../../base/units.ts";
import type { ImageVerifier } from "../../core/image_verifier.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";

export const BINDIR: PluginKey<ImageVerifier> = {
  type: "io.containerd.image-verifier.v1",
  id: "bindir",
};

const DIRECTORY = "/opt/containerd/image-verifier/bin";
const MOST = 10;
const TIMEOUT = "10s";

export const verifierPlugins: readonly Plugin[] = [
  plugin(BINDIR, [], ({ config }) => {
    const options = optionsOf(config);
    const load = lazy(async () =>
      (await import("../../drivers/image_verifier/verifier.ts"))
        .createImageVerifier(options)
    );
    return {
      name: BINDIR.id,
      verify: async (ctx, reference, target) =>
        await (await load()).verify(ctx, reference, target),
    };
  }),
];

function optionsOf(config: PluginHost["config"]): {
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
