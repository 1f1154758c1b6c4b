/** All that docker tells of a container's mounts. */

import type { AskedMount } from "../core/asked_mount.ts";
import type { AskedWords } from "../core/container_settings.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { type ShownMount, shownMounts } from "./inspect_mounts.ts";
import { normalize, PROPAGATION } from "./options/mounts.ts";

type MountWords = Pick<AskedWords, "volumes" | "mounts">;

/** As `inspect` shows it. */
export interface DetailedMount extends Omit<ShownMount, "Type"> {
  readonly Type: "bind" | "volume" | "tmpfs";
  /** Of a volume. */
  readonly Driver?: "local";
  /** Of a directory. */
  readonly Propagation: string;
}

/**
 * Docker's `Mounts`. It has no memory file systems but those of `--mount`.
 * @param words absent where nobody wrote down what was asked for
 */
export function detailedMounts(
  spec: ContainerSpecView,
  words: MountWords | undefined,
): readonly DetailedMount[] {
  const memory = (words?.mounts ?? []).filter(({ kind }) => kind === "tmpfs");
  return [
    ...shownMounts(spec).map((mount) => detailed(mount, words)),
    ...memory.map((mount) => ({
      Type: "tmpfs" as const,
      Source: "",
      Destination: mount.target,
      Mode: "",
      RW: !("options" in mount && mount.options.includes("ro")),
      Propagation: "",
    })),
  ];
}

function detailed(
  mount: ShownMount,
  words: MountWords | undefined,
): DetailedMount {
  const { Type, Name, Source, Destination, Mode, RW } = mount;
  const propagation = Mode.split(",").find((word) => PROPAGATION.has(word));
  return {
    Type,
    ...Name === undefined ? {} : { Name },
    ...{ Source, Destination },
    ...Type === "volume" ? { Driver: "local" } : {},
    Mode: words === undefined ? Mode : typedMode(mount, words),
    RW,
    Propagation: Type === "bind" ? propagation ?? "" : "",
  };
}

/** What docker shows for a volume of which nothing is said. */
const NO_MODE = "z";

function typedMode(
  { Type, Destination }: ShownMount,
  { volumes = [], mounts = [] }: MountWords,
): string {
  for (const text of volumes) {
    const [, target, mode] = text.split(":");
    if (target === undefined || normalize(target) !== Destination) continue;
    return mode ?? (Type === "volume" ? NO_MODE : "");
  }
  const isMounted = mounts.some(({ target }) => target === Destination);
  return isMounted && Type === "volume" ? NO_MODE : "";
}

/** A wish of `--mount`, as docker's `HostConfig.Mounts` has it. */
export interface WishedMount {
  readonly Type: AskedMount["kind"];
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: true;
  readonly BindOptions?: {
    readonly Propagation?: string;
    readonly NonRecursive?: true;
    readonly CreateMountpoint?: true;
  };
  readonly VolumeOptions?: {
    readonly NoCopy: true;
    readonly DriverConfig: Readonly<Record<string, never>>;
  };
  readonly TmpfsOptions?: {
    /** Bytes. */
    readonly SizeBytes?: number;
    readonly Mode?: number;
  };
}

export function wishedMount(mount: AskedMount): WishedMount {
  const isReadonly = mount.kind === "tmpfs"
    ? mount.options.includes("ro")
    : mount.access === "readonly";
  const source = mount.kind === "bind"
    ? mount.source
    : mount.kind === "volume"
    ? mount.name
    : undefined;
  return {
    Type: mount.kind,
    ...source === undefined ? {} : { Source: source },
    Target: mount.target,
    ...isReadonly ? { ReadOnly: true } : {},
    ...kindOptions(mount),
  };
}

type KindOptions = Pick<
  WishedMount,
  "BindOptions" | "VolumeOptions" | "TmpfsOptions"
>;

function kindOptions(mount: AskedMount): KindOptions {
  switch (mount.kind) {
    case "bind": {
      const [recursion, propagation = "rprivate"] = mount.options;
      return unlessEmpty("BindOptions", {
        ...propagation === "rprivate" ? {} : { Propagation: propagation },
        ...recursion === "bind" ? { NonRecursive: true as const } : {},
        ...mount.missing === "create"
          ? { CreateMountpoint: true as const }
          : {},
      });
    }
    case "volume":
      return mount.start === "empty"
        ? { VolumeOptions: { NoCopy: true, DriverConfig: {} } }
        : {};
    case "tmpfs": {
      const size = optionOf(mount.options, "size");
      const mode = optionOf(mount.options, "mode");
      return unlessEmpty("TmpfsOptions", {
        ...size === undefined ? {} : { SizeBytes: Number(size) },
        ...mode === undefined ? {} : { Mode: Number.parseInt(mode, 8) },
      });
    }
    default:
      return mount satisfies never;
  }
}

function unlessEmpty<const K extends string, T extends object>(
  key: K,
  options: T,
): Partial<Record<K, T>> {
  return (Object.keys(options).length === 0
    ? {}
    : { [key]: options }) as Partial<
      Record<K, T>
    >;
}

function optionOf(
  options: readonly string[],
  name: string,
): string | undefined {
  return options.find((option) => option.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}
