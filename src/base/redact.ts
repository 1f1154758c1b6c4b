/**
 * Takes secrets out of texts that others will read: logs and traces. Errors
 * quote addresses, and addresses of registries are often signed.
 */

const HIDDEN = "***";

/** `https://user:password@host` */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]+@/gi;

/** Of a query: signatures of storage services, tokens, keys. */
const PARAMETER =
  /([?&;][^=&#\s"']*(?:sig|signature|token|secret|password|passwd|credential|key|auth|policy)[^=&#\s"']*=)[^&#\s"'\\]+/gi;

/** What an `Authorization` header has. */
const SCHEME = /\b(Bearer|Basic)(\s+)[\w.~+/=-]{8,}/g;

const SECRET_NAME =
  /^(authorization|cookie|.*(password|passwd|secret|token|credentials?|private_?key|identity_?token))$/i;

export function redact(text: string): string {
  return text
    .replace(USER_INFO, `$1${HIDDEN}@`)
    .replace(PARAMETER, `$1${HIDDEN}`)
    .replace(SCHEME, `$1$2${HIDDEN}`);
}

/** True if what goes by this name is nothing to be read by others. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
