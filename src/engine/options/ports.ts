/** `--expose`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";

const LAST_PORT = 65_535;
const PATTERN = /^(\d+)(?:-(\d+))?(?:\/([A-Za-z]+))?$/;
const PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp"];

/**
 * `PORT[-PORT][/PROTOCOL]`
 * @returns each port, as an image's config has it: `80/tcp`
 * @throws {EngineError} `invalidArgument`
 */
export function parseExposed(text: string): readonly string[] {
  if (text.includes(":")) {
    throw invalidArgument(`invalid port format for --expose: ${text}`, {
      hint: "Ports are exposed, not published: write PORT or PORT/PROTOCOL",
    });
  }
  const [, start = "", end = start, written = "tcp"] = PATTERN.exec(text) ?? [];
  const [first, last] = [Number(start), Number(end)];
  const protocol = written.toLowerCase();
  const isRange = start !== "" && first <= last && last <= LAST_PORT;
  if (!isRange || !PROTOCOLS.includes(protocol)) {
    throw invalidArgument(`invalid range format for --expose: ${text}`, {
      hint: "Write ports as 80, 80/udp or 8000-8080/tcp",
    });
  }
  return Array.from(
    { length: last - first + 1 },
    (_, index) => `${first + index}/${protocol}`,
  );
}
