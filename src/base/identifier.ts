import { invalidArgument } from "./errors.ts";

const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const MAX_LENGTH = 76;

/**
 * Validates the id of a namespace, container, task or exec with containerd's
 * rule: letters and digits, single `.`, `_` or `-` between them, 1 to 76 bytes.
 *
 * @param what the kind of thing, for the message
 * @param role what it is to the thing, for the message
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
  if (!IDENTIFIER.test(id)) {
    throw invalidArgument(`Cannot use ${what} ${role} "${id}"`, {
      hint:
        "Use letters and digits, with single dots, dashes or underscores between them",
    });
  }
  return id;
}
