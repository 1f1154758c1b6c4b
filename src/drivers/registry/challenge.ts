/** `WWW-Authenticate`. @see RFC 9110, section 11.6.1 */

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const SCHEME = /\s*,?\s*([A-Za-z][A-Za-z0-9-]*)(?=\s|,|$)\s*/y;
const PARAMETER =
  /\s*,?\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;

/** Reads as many challenges as can be understood. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < header.length) {
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) break;
    const parameters: Record<string, string> = {};
    for (let pair = take(PARAMETER); pair !== null; pair = take(PARAMETER)) {
      const [, name = "", quoted, plain = ""] = pair;
      parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
