/** Letting go of the streams that a process was started with. */

import { coldSymbols, cstr } from "./libc.ts";

const streamSymbols = coldSymbols({
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

const O_RDWR = 2;
const STDERR = 2;
const STANDARD_STREAMS = [0, 1, 2] as const;

/** Puts /dev/null in the place of all three: whoever waits sees their end. */
export function silenceStreams(): void {
  const symbols = streamSymbols();
  const fd = symbols.open(cstr("/dev/null"), O_RDWR, 0);
  if (fd < 0) return;
  for (const stream of STANDARD_STREAMS) symbols.dup2(fd, stream);
  if (fd > 2) symbols.close(fd);
}

/** From now on what is written to standard error goes to `fd`, too. */
export function takeAsStderr(fd: number): void {
  streamSymbols().dup2(fd, STDERR);
}
