import { invalidArgument } from "./errors.ts";

const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
/** Docker's rule for what a user calls a container: `web__1`, `a--b`, too. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const MAX_LENGTH = 76;

/** True for what `checkIdentifier` takes for an id. */
export function isIdentifier(text: string): boolean {
  return text.length <= MAX_LENGTH && IDENTIFIER.test(text);
}

/**
 * Validates the id of a namespace, container, task or exec with containerd's
 * rule: letters and digits, single `.`, `_` or `-` between them, 1 to 76 bytes.
 *
 * @param what the kind of thing, for the message
 * @param role a name is more free: docker's rule
 * @throws {EngineError} `invalidArgument`
 */
export function checkIdentifier(
  what: string,
  id: string,
  role: "id" | "name" = "id",
): string {
  if (id.length === 0) {
    throw invalidArgument(`Cannot use an empty ${what} ${role}`);
  }
  if (id.length > MAX_LENGTH) {
    throw invalidArgument(
      `Cannot use ${what} ${role} "${id}": longer than ${MAX_LENGTH} characters`,
    );
  }
  if (!(role === "name" ? NAME : IDENTIFIER).test(id)) {
    // Clients of the API are shown no hints.
    const rule = role === "name"
      ? "dots, dashes and underscores behind the first"
      : "single dots, dashes and underscores between them";
    throw invalidArgument(
      `Cannot use ${what} ${role} "${id}": ` +
        `it may have letters and digits, and ${rule}`,
    );
  }
  return id;
}
