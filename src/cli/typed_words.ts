/** What of the flags of `run` and `create` inspect shows as it was typed. */

import type { TypedWords } from "../core/container_settings.ts";
import { absolute } from "../engine/options/mounts.ts";
import type { RunMount } from "../engine/run_options.ts";
import type { Flags } from "./command.ts";

/** @param mounts those of `--mount` */
export function typedWords(
  flags: Flags,
  mounts: readonly RunMount[],
  cwd: string,
): TypedWords {
  const volumes = [...new Set(flags.list("volume"))];
  const cidFile = flags.string("cidfile") ?? "";
  return {
    ...several("volumes", volumes.map((text) => fromHere(text, cwd))),
    ...several("mounts", mounts),
    ...several("tmpfs", flags.list("tmpfs")),
    ...several("ulimits", flags.list("ulimit")),
    ...several("securityOptions", flags.list("security-opt")),
    ...cidFile === "" ? {} : { cidFile },
  };
}

function several<const K extends string, T>(
  key: K,
  values: readonly T[],
): Partial<Record<K, readonly T[]>> {
  return (values.length === 0 ? {} : { [key]: values }) as Partial<
    Record<K, readonly T[]>
  >;
}

/** A relative source means nothing to those who ask later. */
function fromHere(volume: string, cwd: string): string {
  if (!volume.startsWith(".")) return volume;
  const [source = "", ...rest] = volume.split(":");
  return [absolute(source, cwd), ...rest].join(":");
}
