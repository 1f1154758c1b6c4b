/** Why the daemon behind a socket can't be used, and what to do about it. */

import { EngineError, isErrno } from "../../base/errors.ts";

interface Reason {
  readonly why: string;
  readonly hint: string;
}

/**
 * @param address path of the socket
 * @param cause what the first call to the daemon has met
 */
export function unusableDaemon(address: string, cause: unknown): EngineError {
  const { code } = EngineError.from(cause);
  const { why, hint } = reasonOf(address, cause);
  return new EngineError(
    code,
    `Cannot use the daemon at "${address}": ${why}`,
    { cause, hint },
  );
}

function reasonOf(address: string, cause: unknown): Reason {
  const error = errnoIn(cause);
  const why = wordsOf(error ?? EngineError.from(cause));
  switch (error?.code) {
    case "ENOENT":
      return { why, hint: `Start it, or ${ANOTHER}` };
    case "EACCES":
    case "EPERM":
      return {
        why,
        hint: "Run the command as a user who may use the socket: with sudo, " +
          "or in the socket's group",
      };
    case "ECONNREFUSED":
      // The kernel says so of everything that is no socket, too.
      return isSocket(address)
        ? { why, hint: `Its daemon has ended: start it again, or ${ANOTHER}` }
        : { why: "not a socket", hint: OF_A_DAEMON };
    default:
      return { why, hint: OF_A_DAEMON };
  }
}

const ANOTHER = "name another's socket with --address";
const OF_A_DAEMON = "Name the socket of a containerd, or of coracle daemon, " +
  "with --address";

/** What the kernel said, if that was it. */
function errnoIn(thrown: unknown): (Error & { code: string }) | undefined {
  let error = thrown;
  while (error instanceof Error && !isErrno(error)) error = error.cause;
  return isErrno(error) ? error : undefined;
}

/** As they go on a sentence; of the kernel's without number. */
function wordsOf({ message }: Error): string {
  const words = message.replace(/ \(os error .*$/s, "");
  return words.slice(0, 1).toLowerCase() + words.slice(1);
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true;
  } catch {
    return false;
  }
}
