import { isInitialMap, readUidMap } from "../../sys/ids.ts";

/** Set in the processes that run in a namespace of our own making. */
export const MARKER = "_CORACLE_ROOTLESS";

/** Who runs this process, as the host knows it. */
export type Identity =
  /** The host's root, or root of a namespace that somebody else made. */
  | { readonly kind: "root"; readonly uid: 0 }
  /** An ordinary user who has yet to enter the store's namespace. */
  | { readonly kind: "ordinary"; readonly uid: number }
  /** An ordinary user, root in the store's namespace. */
  | {
    readonly kind: "rootless";
    readonly uid: number;
    /** `single`: every file belongs to the user, other owners can't be had. */
    readonly ids: "single" | "ranges";
  };

/** Anybody but an ordinary user outside the store's namespace. */
export type StoreOwner = Exclude<Identity, { kind: "ordinary" }>;

/**
 * The marker alone proves nothing: it may have leaked through `sudo -E`. What
 * counts is that the kernel maps root to the user whom the marker names.
 */
export function identify(
  env: (name: string) => string | undefined,
  uid: number,
): Identity {
  if (uid !== 0) return { kind: "ordinary", uid };
  const marker = env(MARKER);
  if (marker === undefined) return { kind: "root", uid: 0 };
  const map = readUidMap();
  const outside = map.find(({ inside }) => inside === 0)?.outside;
  if (
    isInitialMap(map) || outside === undefined || String(outside) !== marker
  ) {
    return { kind: "root", uid: 0 };
  }
  const count = map.reduce((sum, range) => sum + range.count, 0);
  return {
    kind: "rootless",
    uid: outside,
    ids: count > 1 ? "ranges" : "single",
  };
}
