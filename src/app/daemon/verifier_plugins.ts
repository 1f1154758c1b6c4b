/** Who is asked before an image is pulled. */

import type { ImageVerifier } from "../../core/image_verifier.ts";
import { directoryVerifier } from "../image_verifiers.ts";
import { type Plugin, plugin, type PluginKey } from "./plugin.ts";

export const BINDIR: PluginKey<ImageVerifier> = {
  type: "io.containerd.image-verifier.v1",
  id: "bindir",
};

export const verifierPlugins: readonly Plugin[] = [
  plugin(BINDIR, [], ({ config }) => directoryVerifier(config)),
];
