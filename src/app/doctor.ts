import { type Check, diagnose, type Diagnosis } from "../engine/doctor.ts";
import { usualConfig } from "./config.ts";
import { commonChecks } from "./doctor_common_checks.ts";
import { type DoctorHost, thisHost } from "./doctor_host.ts";
import type { PathOverrides } from "./paths.ts";
import { rootChecks } from "./doctor_root_checks.ts";
import { rootlessChecks } from "./doctor_rootless_checks.ts";

/** Every check there is, in the order in which they are shown. */
export function allChecks(host: DoctorHost): Check[] {
  return [...commonChecks(host), ...rootChecks(host), ...rootlessChecks(host)];
}

export interface DoctorReport {
  /** The use that the asking user has: it decides whether all is well. */
  readonly own: Diagnosis;
  readonly other: Diagnosis;
}

/**
 * Judges the host that this process runs on, and the store that commands use.
 * @param told by the command line
 * @throws {EngineError} `invalidArgument` for a configuration that says nonsense
 */
export async function examineHere(told: PathOverrides): Promise<DoctorReport> {
  const env = (name: string) => Deno.env.get(name);
  const config = await usualConfig(env, Deno.uid() ?? 0);
  return await examine(thisHost(told, config));
}

/** Judges the host for root and for ordinary users. */
export async function examine(
  host: DoctorHost = thisHost(),
): Promise<DoctorReport> {
  const checks = allChecks(host);
  const [own, other] = host.uid === 0
    ? ["root", "rootless"] as const
    : ["rootless", "root"] as const;
  return {
    own: await diagnose(checks, own),
    other: await diagnose(checks, other),
  };
}
