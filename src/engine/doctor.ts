/**
 * What a host lacks. A check is data: what it is about, for which kind of use
 * it matters, how to find out. Its findings carry the command that helps.
 */

/** `root`: the host's root; `rootless`: an ordinary user. */
export type Use = "root" | "rootless";

export type Finding =
  | { readonly status: "ok"; readonly detail: string }
  /** Can't be judged from here, for instance not for another user. */
  | { readonly status: "skipped"; readonly detail: string }
  /** Containers run, but something will not work. */
  | {
    readonly status: "warning";
    readonly detail: string;
    /** Shell commands, one a line, that mend it. */
    readonly fix: string;
  }
  /** No container runs. */
  | {
    readonly status: "missing";
    readonly detail: string;
    readonly fix: string;
  };

export interface Check {
  /** Stable, for scripts: `subordinate-ids`. */
  readonly id: string;
  readonly title: string;
  readonly appliesTo: readonly Use[];
  readonly probe: (use: Use) => Finding | Promise<Finding>;
}

export type Diagnosed = Finding & {
  readonly id: string;
  readonly title: string;
};

/** One kind of use, and whether it is possible. */
export interface Diagnosis {
  readonly use: Use;
  readonly usable: boolean;
  readonly checks: readonly Diagnosed[];
}

/** Runs what applies, in order; a probe that fails is a finding as well. */
export async function diagnose(
  checks: readonly Check[],
  use: Use,
): Promise<Diagnosis> {
  const found: Diagnosed[] = [];
  for (const { id, title, appliesTo, probe } of checks) {
    if (!appliesTo.includes(use)) continue;
    found.push({ id, title, ...await tryProbe(probe, use) });
  }
  const usable = found.every(({ status }) => status !== "missing");
  return { use, usable, checks: found };
}

async function tryProbe(probe: Check["probe"], use: Use): Promise<Finding> {
  try {
    return await probe(use);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { status: "skipped", detail: `cannot find out: ${reason}` };
  }
}

export function ok(detail: string): Finding {
  return { status: "ok", detail };
}

export function skipped(detail: string): Finding {
  return { status: "skipped", detail };
}

/** @param fix shell commands that mend it, one a line */
export function warning(detail: string, fix: string): Finding {
  return { status: "warning", detail, fix };
}

/** @param fix shell commands that mend it, one a line */
export function missing(detail: string, fix: string): Finding {
  return { status: "missing", detail, fix };
}
