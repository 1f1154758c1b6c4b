/** Whether there are as many processors as a container is to use. */

import { invalidArgument } from "../base/errors.ts";
import type { HostFacts } from "../oci/spec/facts.ts";
import type { ResourceRequest } from "../oci/spec/request.ts";

const LEAST_MILLI_CPUS = 10;

/** @throws {EngineError} `invalidArgument`, in docker's words */
export function checkCpuRange(
  { milliCpus }: Pick<ResourceRequest, "milliCpus">,
  facts: () => Pick<HostFacts, "cpuCount">,
): void {
  if (milliCpus === undefined) return;
  const count = facts().cpuCount();
  if (milliCpus >= LEAST_MILLI_CPUS && milliCpus <= count * 1000) return;
  throw invalidArgument(
    `Range of CPUs is from 0.01 to ${count}.00, as there are only ${count} ` +
      "CPUs available",
  );
}
