import { invalidArgument } from "./errors.ts";

/** `algorithm:hex`, validated. @see OCI image-spec 1.1, "Digests" */
export type Digest = string & { readonly __brand: "Digest" };

export const DIGEST_ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
export type DigestAlgorithm = typeof DIGEST_ALGORITHMS[number];

const HEX_LENGTH = { sha256: 64, sha384: 96, sha512: 128 } as const;

/** @throws {EngineError} `invalidArgument` */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw invalidArgument(`Cannot parse digest "${text}"`, {
      hint: "A digest looks like sha256: and 64 lower-case hexadecimal digits",
    });
  }
  return text;
}

export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (!(DIGEST_ALGORITHMS as readonly string[]).includes(algorithm)) {
    return false;
  }
  const hex = text.slice(colon + 1);
  return hex.length === HEX_LENGTH[algorithm as DigestAlgorithm] &&
    /^[0-9a-f]+$/.test(hex);
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The first 12 digits, as shown to people. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}
