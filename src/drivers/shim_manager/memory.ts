/** What shims' programs were found to understand, kept in a file. */

import { writeWhole } from "../../sys/write_whole.ts";
import type { BootstrapMemory, BootstrapStyle } from "./launch.ts";

type Known = Readonly<Record<string, BootstrapStyle>>;

/**
 * Another file in place of a program is another program. Whatever is lost of
 * it is found out again, so it needs no lock.
 * @param path of the file that keeps it
 */
export function createBootstrapMemory(path: string): BootstrapMemory {
  return {
    recall: (program) => read(path)[keyOf(program)],
    remember(program, style) {
      const known: Known = { ...read(path), [keyOf(program)]: style };
      writeWhole(path, JSON.stringify(known));
    },
  };
}

function keyOf(program: string): string {
  const { size, mtime } = Deno.statSync(program);
  return `${program} ${size} ${mtime?.getTime()}`;
}

function read(path: string): Known {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    // There is none, or half of one.
    return {};
  }
}
