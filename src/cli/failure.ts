/** How a failure is shown to the person at the terminal. */

import { EngineError, isErrno } from "../base/errors.ts";
import { UsageError } from "./flags.ts";

interface FailureOptions {
  /** `details` adds the causes and the stack. */
  readonly show: "summary" | "details";
}

/** Lines for standard error, each without a line feed. */
export function failureLines(
  thrown: unknown,
  { show }: FailureOptions,
): readonly string[] {
  const error = whatFailed(thrown);
  const lines = [`coracle: ${messageOf(error)}`];
  const hint = hintOf(error);
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  if (show === "summary") {
    // Not one of ours, so a bug, and its stack is what a report needs. Who
    // gave a hint has expected it.
    if (hint === undefined && !isExpected(error)) {
      lines.push("hint: This is a bug; run again with --debug to see where");
    }
    return lines;
  }
  return [...lines, ...causeLines(error), ...stackLines(error)];
}

/** Where undoing has failed, too, that is the lesser matter. */
function whatFailed(error: unknown): unknown {
  return error instanceof SuppressedError
    ? whatFailed(error.suppressed)
    : error;
}

function isExpected(error: unknown): boolean {
  return error instanceof EngineError
    ? error.code !== "internal" && error.code !== "unknown"
    : error instanceof Error &&
      (isErrno(error) || error.name === "UsageError" ||
        error.name === "ExitError" ||
        error.name === "SysError" ||
        Object.values(Deno.errors).some((kind) => error instanceof kind));
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" ? error.name : error.message;
}

/** The nearest hint: that of the error, or of what caused it. */
function hintOf(error: unknown): string | undefined {
  for (const link of chain(error)) {
    const isOurs = link instanceof EngineError || link instanceof UsageError;
    if (isOurs && link.hint !== undefined) return link.hint;
  }
  return undefined;
}

function causeLines(error: unknown): string[] {
  return chain(error).slice(1).map((cause) =>
    `caused by: ${
      cause instanceof Error ? `${cause.name}: ${cause.message}` : cause
    }`
  );
}

function stackLines(error: unknown): string[] {
  const last = chain(error).findLast((link) => link instanceof Error);
  const stack = last instanceof Error ? last.stack : undefined;
  return stack?.split("\n").slice(1) ?? [];
}

/** The error and its causes, outermost first; a circle is cut. */
function chain(error: unknown): unknown[] {
  const links: unknown[] = [];
  let link = error;
  while (link !== undefined && link !== null && !links.includes(link)) {
    links.push(link);
    link = link instanceof Error ? link.cause : undefined;
  }
  return links;
}
