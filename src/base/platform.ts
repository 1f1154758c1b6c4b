/**
 * Platforms: parsing, normalising and choosing among them by containerd's
 * rules (its package platforms).
 */

import { EngineError, invalidArgument } from "./errors.ts";

/** @see OCI image-spec 1.1, "Image Index", property `platform` */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

const OPERATING_SYSTEMS: readonly string[] = [
  "aix",
  "android",
  "darwin",
  "dragonfly",
  "freebsd",
  "illumos",
  "ios",
  "js",
  "linux",
  "netbsd",
  "openbsd",
  "plan9",
  "solaris",
  "wasip1",
  "windows",
];

const ARCHITECTURES: readonly string[] = [
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
];

/** Other names of architectures; an arm's name may say its variant. */
const ARCHITECTURE_ALIASES: Readonly<
  Record<string, readonly [architecture: string, variant?: string]>
> = {
  i386: ["386"],
  i686: ["386"],
  x86: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  armv7l: ["arm", "v7"],
  armv6l: ["arm", "v6"],
  powerpc64le: ["ppc64le"],
  loongarch64: ["loong64"],
  riscv: ["riscv64"],
};

/** What is left out because it is what the architecture means anyway. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = {
  amd64: "v1",
  arm64: "v8",
};

/**
 * The same platform in Go's words: `x86_64` becomes `amd64`, `armhf` becomes
 * `arm/v7`, and a variant that goes without saying is dropped.
 */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const named = platform.architecture.toLowerCase();
  const [architecture, implied] = ARCHITECTURE_ALIASES[named] ?? [named];
  const variant = normalizeVariant(
    architecture,
    (platform.variant ?? "").toLowerCase() || implied || "",
  );
  const { variant: _, ...rest } = platform;
  return {
    ...rest,
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant === "" ? {} : { variant }),
  };
}

function normalizeVariant(architecture: string, variant: string): string {
  const versioned = /^\d/.test(variant) ? `v${variant}` : variant;
  const short = versioned.replace(/^(v\d+)\.0$/, "$1");
  if (architecture === "arm" && short === "") return "v7";
  return short === DEFAULT_VARIANTS[architecture] ? "" : short;
}

/**
 * Reads `os`, `arch`, `os/arch` or `os/arch/variant`; what is missing is the
 * host's.
 *
 * @throws {EngineError} `invalidArgument`
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || !parts.every((part) => /^[\w.-]+$/.test(part))) {
    throw invalidArgument(`Cannot parse platform "${text}"`, {
      hint: "A platform looks like linux/amd64 or linux/arm/v7",
    });
  }
  const [first = "", architecture, variant] = parts;
  if (architecture !== undefined) {
    return normalizePlatform({
      os: first,
      architecture,
      ...(variant === undefined ? {} : { variant }),
    });
  }
  const lower = normalizePlatform({ os: first, architecture: first });
  if (OPERATING_SYSTEMS.includes(lower.os)) return { ...host, os: lower.os };
  if (!ARCHITECTURES.includes(lower.architecture)) {
    throw invalidArgument(
      `Cannot parse platform "${text}": neither an operating system nor an architecture`,
      { hint: "A platform looks like linux/amd64 or linux/arm/v7" },
    );
  }
  if (lower.architecture === host.architecture) return host;
  return { ...lower, os: host.os };
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return [os, architecture, variant].filter(Boolean).join("/");
}

/**
 * The platform of this machine.
 * @param build `Deno.build`, or any such names
 */
export function hostPlatform(
  build: { readonly os: string; readonly arch: string },
): Platform {
  return normalizePlatform({ os: build.os, architecture: build.arch });
}

/** What runs on `platform`, best first: `arm/v7` also runs `v6` and `v5`. */
export function compatiblePlatforms(platform: Platform): readonly Platform[] {
  const wanted = normalizePlatform(platform);
  const { os } = wanted;
  switch (wanted.architecture) {
    case "amd64":
      return [...descend(wanted, "amd64", 1), { os, architecture: "386" }];
    case "arm":
      return descend(wanted, "arm", 5);
    case "arm64": {
      const arm = { os, architecture: "arm", variant: "v8" };
      return [...descend(wanted, "arm64", 8), ...descend(arm, "arm", 5)];
    }
    default:
      return [wanted];
  }
}

/** The variants from the wanted one down to `lowest`. */
function descend(
  { os, variant }: Platform,
  architecture: string,
  lowest: number,
): Platform[] {
  const shown = variant ?? DEFAULT_VARIANTS[architecture] ?? "";
  const number = /^v(\d+)/.exec(shown)?.[1];
  const exact = normalizePlatform({ os, architecture, variant: shown });
  const lower: Platform[] = [];
  for (let n = Number(number ?? lowest); n >= lowest; n--) {
    lower.push(normalizePlatform({ os, architecture, variant: `v${n}` }));
  }
  return [exact, ...lower.filter((each) => each.variant !== exact.variant)];
}

export interface PlatformMatcher {
  /** 0 for the best, higher for worse, undefined for what does not run. */
  rank(platform: Platform): number | undefined;
}

export function platformMatcher(wanted: Platform): PlatformMatcher {
  const ranks = compatiblePlatforms(wanted).map(formatPlatform);
  return {
    rank: (platform) => {
      const rank = ranks.indexOf(formatPlatform(platform));
      return rank < 0 ? undefined : rank;
    },
  };
}

interface Candidate {
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The manifest of an index that suits `platform` best, the first of equals.
 * One that names no platform is taken where none suits.
 *
 * @throws {EngineError} `notFound`, with the platforms that there are
 */
export function selectManifest<M extends Candidate>(
  manifests: readonly M[],
  platform: Platform,
): M {
  const matcher = platformMatcher(platform);
  const images = manifests.filter((each) => !isAttestation(each));
  let best: { manifest: M; rank: number } | undefined;
  for (const manifest of images) {
    const rank = manifest.platform === undefined
      ? Number.MAX_SAFE_INTEGER
      : matcher.rank(manifest.platform);
    if (rank !== undefined && (best === undefined || rank < best.rank)) {
      best = { manifest, rank };
    }
  }
  if (best !== undefined) return best.manifest;
  const names = images.flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)]
  );
  throw new EngineError(
    "notFound",
    `Cannot find an image for platform "${formatPlatform(platform)}"`,
    {
      hint: names.length === 0
        ? "The index lists no image at all"
        : `There is one for ${[...new Set(names)].join(", ")}: ` +
          "choose with --platform",
    },
  );
}

/** BuildKit puts statements about an image beside it, as if for a platform. */
function isAttestation({ platform, annotations }: Candidate): boolean {
  return annotations?.["vnd.docker.reference.type"] ===
      "attestation-manifest" || platform?.architecture === "unknown";
}
