/** How distributions call what we need, and how it is installed there. */

interface Family {
  /** Values of ID and ID_LIKE in os-release. */
  readonly ids: readonly string[];
  readonly install: string;
  readonly packages: Readonly<Record<Need, string>>;
}

export type Need = "runc" | "idmap" | "utilLinux" | "pasta";

const DEBIAN: Family = {
  ids: ["debian", "ubuntu"],
  install: "apt-get install",
  packages: {
    runc: "runc",
    idmap: "uidmap",
    utilLinux: "util-linux",
    pasta: "passt",
  },
};

const FAMILIES: readonly Family[] = [
  DEBIAN,
  {
    ids: ["fedora", "rhel", "centos"],
    install: "dnf install",
    packages: { ...DEBIAN.packages, idmap: "shadow-utils" },
  },
  {
    ids: ["alpine"],
    install: "apk add",
    packages: { ...DEBIAN.packages, idmap: "shadow-uidmap" },
  },
  {
    ids: ["arch"],
    install: "pacman -S",
    packages: { ...DEBIAN.packages, idmap: "shadow" },
  },
  {
    ids: ["suse", "opensuse"],
    install: "zypper install",
    packages: { ...DEBIAN.packages, idmap: "shadow" },
  },
];

/**
 * The command that installs `need` on this distribution.
 * @param osRelease text of `/etc/os-release`; of an unknown one, Debian's
 */
export function installCommand(
  need: Need,
  osRelease: string | undefined,
): string {
  const ids = identifiers(osRelease ?? "");
  const family = FAMILIES.find((one) => one.ids.some((id) => ids.includes(id)));
  const { install, packages } = family ?? DEBIAN;
  return `${install} ${packages[need]}`;
}

/** ID first, then those it is like. */
function identifiers(osRelease: string): string[] {
  return ["ID", "ID_LIKE"].flatMap((key) => {
    const value = new RegExp(`^${key}=(.*)$`, "m").exec(osRelease)?.[1] ?? "";
    return value.replace(/^["']|["']$/g, "").split(/\s+/).filter(Boolean);
  });
}
