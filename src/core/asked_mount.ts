/** A mount that a user asks for. */

export type MountAccess = "writable" | "readonly";

export type AskedMount =
  | {
    readonly kind: "bind";
    /** Absolute path on the host. */
    readonly source: string;
    readonly target: string;
    readonly access: MountAccess;
    /** What if there is nothing at `source`. */
    readonly missing: "create" | "fail";
    /** `rbind` or `bind`, propagation. */
    readonly options: readonly string[];
  }
  | {
    readonly kind: "volume";
    /** A volume that ends with the container if absent. */
    readonly name?: string;
    readonly target: string;
    readonly access: MountAccess;
    /** Whether an empty volume starts with what the image has there. */
    readonly start: "imageContent" | "empty";
  }
  | {
    readonly kind: "tmpfs";
    readonly target: string;
    readonly options: readonly string[];
  };
