/** How a command shows one thing, or an array of them. */

import type { Output } from "../command.ts";
import { withZeros } from "./go_zero.ts";
import { compileTemplate } from "./template.ts";

/** `json`, or a template. @throws {EngineError} `invalidArgument` */
export function printObject(
  out: Output,
  value: unknown,
  format: string,
): void {
  out.line(
    format === "json" ? JSON.stringify(value) : compileTemplate(format)(value),
  );
}

/**
 * As `inspect` does: one array for all without a format, or with `json` one
 * line; a template gives a line for each.
 */
export function printInspection(
  out: Output,
  values: readonly unknown[],
  format: string | undefined,
): void {
  if (format === undefined || format === "") {
    out.line(JSON.stringify(values, undefined, 4));
  } else if (format === "json") {
    out.line(JSON.stringify(values));
  } else {
    const template = compileTemplate(format);
    for (const value of values) out.line(template(withZeros(value)));
  }
}
