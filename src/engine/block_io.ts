/** From `--blkio-weight` and `--device-read-bps` to what the runtime sets. */

import { invalidArgument } from "../base/errors.ts";
import type { AskedBlockIo, DeviceRate } from "../core/container_settings.ts";
import type { Host } from "../core/host.ts";
import type { SpecBlockIo, SpecThrottle } from "../oci/runtime_spec.ts";

type BlockIoHost = Pick<Host, "deviceNodes" | "exists" | "facts">;

/**
 * @param warn is told what this kernel can't do
 * @throws {EngineError} `notFound` for a device, `invalidArgument` if it is none
 */
export function blockIoRequest(
  asked: AskedBlockIo,
  host: BlockIoHost,
  warn: (message: string) => void,
): SpecBlockIo | undefined {
  const { weight, readBps, writeBps, readIops, writeIops } = asked;
  const throttles = {
    throttleReadBpsDevice: throttlesOf(readBps, host),
    throttleWriteBpsDevice: throttlesOf(writeBps, host),
    throttleReadIOPSDevice: throttlesOf(readIops, host),
    throttleWriteIOPSDevice: throttlesOf(writeIops, host),
  };
  const weighs = weight !== undefined && canWeigh(host);
  if (weight !== undefined && !weighs) {
    warn(
      "Your kernel does not support Block I/O weight or the cgroup is not " +
        "mounted. Weight discarded.",
    );
  }
  const given = Object.entries(throttles)
    .filter(([, rates]) => rates.length > 0);
  if (given.length === 0 && !weighs) return undefined;
  return { ...weighs ? { weight } : {}, ...Object.fromEntries(given) };
}

function throttlesOf(
  rates: readonly DeviceRate[] = [],
  host: BlockIoHost,
): readonly SpecThrottle[] {
  return rates.map(({ path, rate }) => {
    const [node, ...others] = host.deviceNodes(path);
    if (node === undefined || others.length > 0 || node.type !== "b") {
      throw invalidArgument(`Cannot limit "${path}": not a block device`);
    }
    return { major: node.major, minor: node.minor, rate };
  });
}

const BLKIO = "/sys/fs/cgroup/blkio";

/**
 * With cgroups of the older kind some scheduler has to do it: CFQ, or BFQ,
 * whose weights only containers have, but not the root of all cgroups.
 */
function canWeigh(host: BlockIoHost): boolean {
  if (host.facts().cgroupVersion === "v2") return true;
  return [`${BLKIO}/blkio.weight`, `${BLKIO}/blkio.bfq.io_service_bytes`]
    .some((path) => host.exists(path));
}
