/** `ps --filter expose=…` and `publish=…`, in docker's syntax. */

import { invalidArgument } from "../base/errors.ts";

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

const PROTOCOLS = ["tcp", "udp", "sctp"];
const LAST_PORT = 65_535;

/**
 * `80`, `80/udp`, `8000-8080/tcp`.
 * @param key for messages
 * @throws {EngineError} `invalidArgument`
 */
export function parsePortRange(key: string, text: string): PortRange {
  const [, first = "", last = first, protocol = "tcp"] =
    /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last), protocol };
  const isRange = first !== "" && range.first <= range.last &&
    range.last <= LAST_PORT && PROTOCOLS.includes(protocol);
  if (isRange) return range;
  throw invalidArgument(`Cannot filter by ${key} "${text}"`, {
    hint: "Write ports as 80, 80/udp or 8000-8080/tcp",
  });
}

/** @param port as an image's config has it: `80/tcp`, or `80` */
export function isWithinPorts(
  { first, last, protocol }: PortRange,
  port: string,
): boolean {
  const [number = "", of = "tcp"] = port.split("/");
  return of === protocol && Number(number) >= first && Number(number) <= last;
}
