/** Which certificate authorities this machine trusts. */

import { invalidArgument } from "../base/errors.ts";

/** PEM, and where it was read. */
export interface CertificateBundle {
  readonly path: string;
  readonly pem: string;
}

/** Where distributions keep them, as Go's crypto/x509 looks for them. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Gentoo
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL
  "/etc/ssl/cert.pem", // Alpine
];

/**
 * The runtime itself trusts Mozilla's authorities only, not those that an
 * administrator has added.
 *
 * @param named a file instead of the machine's own: `SSL_CERT_FILE`
 * @returns undefined if the machine has none
 * @throws {EngineError} `invalidArgument` if `named` can't be read
 */
export function systemCertificates(
  named: string | undefined = Deno.env.get("SSL_CERT_FILE"),
): CertificateBundle | undefined {
  if (named) return { path: named, pem: readNamed(named) };
  for (const path of BUNDLES) {
    try {
      return { path, pem: Deno.readTextFileSync(path) };
    } catch {
      // Another distribution's, or not for us.
    }
  }
  return undefined;
}

function readNamed(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw invalidArgument(
      `Cannot read the certificates of SSL_CERT_FILE, "${path}"`,
      { cause, hint: "Name another file, or unset the variable" },
    );
  }
}
