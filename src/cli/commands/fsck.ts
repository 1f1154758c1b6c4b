import { checkStore } from "../../app/fsck.ts";
import type { FsckFinding } from "../../core/fsck.ts";
import type { Invocation } from "../command.ts";
import { humanSize } from "../format/human.ts";
import { compileTemplate } from "../format/template.ts";

const UNSEEN = "Through a socket, directories of layers on which nothing is " +
  "built, files that nothing refers to, and the database are not seen";

/**
 * `coracle fsck [--repair]`
 * @returns 1 if an error is left, also if it was found only
 */
export async function run(inv: Invocation): Promise<number> {
  const mode = inv.flags.boolean("repair") ? "repair" : "check";
  const format = inv.flags.string("format");
  const show = renderer(format);
  const store = await inv.store();
  let read = 0;
  const left = { errors: 0, notices: 0, repaired: 0, mendable: 0 };
  const findings = checkStore(inv.ctx, store, {
    mode,
    onProgress: (bytes) => {
      read = bytes;
    },
  });
  for await (const finding of findings) {
    if (finding.state === "repaired") left.repaired++;
    else if (finding.severity === "error") left.errors++;
    else left.notices++;
    if (finding.state === "found" && finding.action !== "none") left.mendable++;
    inv.stdout.line(show(finding));
  }
  if (format === undefined) {
    inv.stderr.line(`Read ${humanSize(read)}: ${summary(left)}`);
    if (store.daemon === "other") inv.stderr.line(UNSEEN);
    if (mode === "check" && left.mendable > 0) {
      inv.stderr.line("hint: coracle fsck --repair mends what can be mended");
    }
  }
  return left.errors > 0 ? 1 : 0;
}

function renderer(
  format: string | undefined,
): (finding: FsckFinding) => string {
  if (format === "json") return (finding) => JSON.stringify(finding);
  if (format !== undefined) return compileTemplate(format);
  return ({ severity, kind, subject, detail, action, state }) =>
    `${severity} ${kind} ${subject}: ${detail}` + (action === "none"
      // The detail says what a person can do.
      ? ""
      : state === "repaired"
      ? ` (${action}: done)`
      : ` (to do: ${action})`);
}

function summary(
  left: { errors: number; notices: number; repaired: number },
): string {
  if (left.errors + left.notices + left.repaired === 0) return "all is well";
  return `${left.errors} errors, ${left.notices} notices, ` +
    `${left.repaired} repaired`;
}
