/**
 * How overlayfs keeps on disk what a layer says by whiteouts: a deleted name
 * is a character device 0:0, a directory that hides those below has an xattr.
 *
 * @see Linux, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque
 * directories"
 */

/** Whose overlay: of the host's root, or mounted with `userxattr`. */
export type OverlayFlavor = "trusted" | "user";

/** Set to `y` on an opaque directory. */
export const OPAQUE_XATTR = {
  trusted: "trusted.overlay.opaque",
  user: "user.overlay.opaque",
} as const satisfies Record<OverlayFlavor, string>;

/** Set to `y` (or empty) on what is a whiteout without being a device. */
export const WHITEOUT_XATTR = {
  trusted: "trusted.overlay.whiteout",
  user: "user.overlay.whiteout",
} as const satisfies Record<OverlayFlavor, string>;

/**
 * True for overlayfs's own xattrs (`opaque`, `redirect`, `metacopy`, …). They
 * are never taken from an archive, where they could point a directory at any
 * other of the host's, and never put into one.
 */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") ||
    name.startsWith("user.overlay.");
}

/** True for the device number that marks a deleted name. */
export function isWhiteoutDevice(major: number, minor: number): boolean {
  return major === 0 && minor === 0;
}
