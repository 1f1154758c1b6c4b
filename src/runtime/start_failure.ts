/** From what a runtime logs to why a container did not start. */

import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import { ToldStartError } from "../core/told_start_error.ts";

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
}

/**
 * The runtime's last error.
 * @param text lines of JSON
 */
export function lastError(text: string): string | undefined {
  return text.split("\n").map((line) => parseLine(line))
    .findLast((line) => line?.level === "error" || line?.level === "fatal")
    ?.msg;
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What runc, crun and youki say when there is no such command. */
const NOT_FOUND =
  /executable file not found|no such file or directory|executable .* not found/i;
const NOT_EXECUTABLE =
  /permission denied|exec format error|is a directory|not executable/i;
/** Only an error about the command itself is the user's. */
const ABOUT_COMMAND = /exec: |exec \/|exec failed|executable|execve/i;

/** What it was that did not start: the container, or a process in it. */
export type Startable = "container" | "exec";

/** Docker's exit codes: 127 not found, 126 not executable, else 125. */
export function startError(
  runtime: string,
  message: string,
  what: Startable = "container",
): TaskStartError {
  if (what === "exec") return execError(message);
  const isAboutCommand = ABOUT_COMMAND.test(message);
  const exitCode = isAboutCommand && NOT_FOUND.test(message)
    ? START_FAILURE.notFound
    : isAboutCommand && NOT_EXECUTABLE.test(message)
    ? START_FAILURE.notExecutable
    : START_FAILURE.engine;
  return new TaskStartError(
    exitCode,
    `Cannot start the container: ${runtime}: ${shorten(message)}`,
  );
}

/** Whose errors go to standard error, too, when they have a log. */
const TELLERS = ["runc"];

/** What a runtime has said that had our own standard error. */
export function asTold(runtime: string, error: unknown): unknown {
  const program = runtime.slice(runtime.lastIndexOf("/") + 1);
  return error instanceof TaskStartError && TELLERS.includes(program)
    ? new ToldStartError(error.exitCode, error.message, { cause: error })
    : error;
}

/**
 * In docker's words, and with its exit codes: 127 if there is no such command,
 * else 126, whatever the reason.
 */
function execError(message: string): TaskStartError {
  const reason = shorten(message);
  const isMissing = ABOUT_COMMAND.test(reason) && NOT_FOUND.test(reason);
  return new TaskStartError(
    isMissing ? START_FAILURE.notFound : START_FAILURE.notExecutable,
    `OCI runtime exec failed: ${message}`,
  );
}

/** Without what every message of runc begins with. */
function shorten(message: string): string {
  return message
    .replace(/^(?:runc (?:run|create)|exec) failed: /, "")
    .replace(/^unable to start container process: /, "");
}
