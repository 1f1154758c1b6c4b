/** `coracle doctor`: what this host lacks, and the command that mends it. */

import { examineHere } from "../../app/doctor.ts";
import type { Diagnosed, Diagnosis } from "../../engine/doctor.ts";
import type { Invocation } from "../command.ts";

/** @returns 0 if the user who asks can run containers, else 1 */
export async function run(inv: Invocation): Promise<number> {
  const report = await examineHere(inv.global);
  const format = inv.flags.string("format");
  if (format !== undefined) {
    const { printObject } = await import("../format/object.ts");
    printObject(inv.stdout, report, format);
  } else {
    const noColor = (inv.env("NO_COLOR") ?? "") !== "";
    const style = inv.stdout.isTerminal && !noColor ? COLOURED : PLAIN;
    const parts = [report.own, report.other].map((one) => lines(one, style));
    inv.stdout.line(parts.map((part) => part.join("\n")).join("\n\n"));
  }
  return report.own.usable ? 0 : 1;
}

type Style = (text: string, status: Diagnosed["status"]) => string;

const PLAIN: Style = (text) => text;

const SGR = { ok: 32, skipped: 2, warning: 33, missing: 31 } as const;
const COLOURED: Style = (text, status) => `\x1b[${SGR[status]}m${text}\x1b[0m`;

const USES = { root: "As root", rootless: "As an ordinary user" } as const;

/** One diagnosis as a person reads it. */
export function lines(
  { use, usable, checks }: Diagnosis,
  style: Style,
): string[] {
  const title = Math.max(...checks.map((check) => check.title.length));
  const status = "skipped".length;
  return [
    `${USES[use]}: ${usable ? "containers run" : "containers can't run"}`,
    ...checks.flatMap((check) => [
      [
        " ",
        style(check.status.padEnd(status), check.status),
        check.title.padEnd(title),
        check.detail,
      ].join("  "),
      ...fixLines(check).map((line) => " ".repeat(status + 5) + line),
    ]),
  ];
}

function fixLines(check: Diagnosed): string[] {
  if (check.status !== "warning" && check.status !== "missing") return [];
  return check.fix.split("\n").map((line) => `→ ${line}`);
}
