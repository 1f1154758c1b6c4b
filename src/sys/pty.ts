/** The settings of terminals. */

import { lazySymbols } from "./libc.ts";

const terminalSymbols = lazySymbols({
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
});

/** `struct termios` of glibc. */
const TERMIOS_BYTES = 60;
const TCSADRAIN = 1;

/** The three descriptors on which a process may find its terminal. */
const STANDARD_STREAMS = [0, 1, 2] as const;

/**
 * Remembers how the terminal is set; disposing sets it so again, whatever
 * happened to those who changed it. Without a terminal it does nothing.
 */
export function keepTerminal(): Disposable {
  const kept = STANDARD_STREAMS.flatMap((fd) => {
    const termios = new Uint8Array(TERMIOS_BYTES);
    return terminalSymbols().tcgetattr(fd, termios) === 0
      ? [{ fd, termios }]
      : [];
  }).slice(0, 1);
  return {
    [Symbol.dispose]() {
      for (const { fd, termios } of kept) {
        terminalSymbols().tcsetattr(fd, TCSADRAIN, termios);
      }
    },
  };
}
