/** What is written down of the user's and the image's words. */

import type { AskedWords } from "../core/container_settings.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { askedHealth } from "./options/health.ts";
import { normalize } from "./options/mounts.ts";
import type { RunOptions } from "./run_options.ts";

type Words = Omit<AskedWords, "env">;

export function askedWords(
  options: RunOptions,
  config: ContainerConfig,
): AskedWords {
  const { capabilities, resources } = options;
  const workdir = options.workdir || config.WorkingDir;
  const words: { [Key in keyof Words]: Words[Key] | undefined } = {
    ...options.typed,
    user: options.user || config.User,
    workdir: workdir && normalize(workdir),
    stopSignal: options.stopSignal || config.StopSignal,
    stopTimeoutSeconds: options.stopTimeoutSeconds,
    health: askedHealth(options.health, config),
    privileged: options.confinement === "privileged" || undefined,
    capAdd: capabilities.add,
    capDrop: capabilities.drop,
    sysctls: options.sysctls,
    cgroupParent: options.cgroupParent,
    shmBytes: options.shmSizeBytes || undefined,
    milliCpus: resources.milliCpus,
  };
  return {
    env: askedEnv(options.env, config.Env ?? []),
    ...Object.fromEntries(
      Object.entries(words).filter(([, value]) => says(value)),
    ),
  };
}

function says(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : value !== undefined && value !== "";
}

/** As docker keeps it: the user's first; a name alone is kept, too. */
function askedEnv(
  own: readonly string[],
  image: readonly string[],
): readonly string[] {
  const nameOf = (entry: string) => entry.split("=", 1)[0] ?? "";
  const entries = new Map(own.map((entry) => [nameOf(entry), entry]));
  for (const entry of image) {
    if (!entries.has(nameOf(entry))) entries.set(nameOf(entry), entry);
  }
  return [...entries.values()];
}
