/** Terminals: their settings, and new ones. @see pty(7), termios(3) */

import { SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";

const terminalSymbols = coldSymbols({
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

const rawSymbols = coldSymbols({
  cfmakeraw: { parameters: ["buffer"], result: "void" },
});

/**
 * From now on each key comes at once, Ctrl-C as a byte like others, and nothing
 * is shown but what is written; disposing ends that.
 * @throws {SysError} ENOTTY
 */
export function makeRaw(fd: number): Disposable {
  const symbols = terminalSymbols();
  const before = new Uint8Array(TERMIOS_BYTES);
  if (symbols.tcgetattr(fd, before) !== 0) {
    throw new SysError("look at terminal", errno(), `descriptor ${fd}`);
  }
  const raw = before.slice();
  rawSymbols().cfmakeraw(raw);
  if (symbols.tcsetattr(fd, TCSADRAIN, raw) !== 0) {
    throw new SysError("set terminal", errno(), `descriptor ${fd}`);
  }
  return {
    [Symbol.dispose]: () => void symbols.tcsetattr(fd, TCSADRAIN, before),
  };
}

const ptySymbols = coldSymbols({
  posix_openpt: { parameters: ["i32"], result: "i32" },
  grantpt: { parameters: ["i32"], result: "i32" },
  unlockpt: { parameters: ["i32"], result: "i32" },
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
});

const TIOCSWINSZ = 0x5414n;
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;

/** A new terminal. Disposing closes its master: whoever uses it is hung up. */
export interface Pty extends Disposable {
  readonly master: number;
  /** Path of the end that a program takes for a terminal. */
  readonly path: string;
  /** Programs ask for it, and runtimes give it to their containers. */
  setSize(size: TerminalSize): void;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Tells the terminal how large it is shown; its programs get SIGWINCH.
 * @param fd of either end; nothing happens if it is not a terminal's
 */
export function setTerminalSize(
  fd: number,
  { columns, rows }: TerminalSize,
): void {
  // `struct winsize`; the last two are in pixels.
  const size = new Uint16Array([rows, columns, 0, 0]);
  ptySymbols().ioctl(fd, TIOCSWINSZ, size);
}

/** @throws {SysError} */
export function openPty(): Pty {
  const symbols = ptySymbols();
  const master = symbols.posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) throw new SysError("open", errno(), "/dev/ptmx");
  const name = new Uint8Array(64);
  if (
    symbols.grantpt(master) !== 0 || symbols.unlockpt(master) !== 0 ||
    symbols.ptsname_r(master, name, BigInt(name.length)) !== 0
  ) {
    const code = errno();
    symbols.close(master);
    throw new SysError("unlock", code, "/dev/ptmx");
  }
  return {
    master,
    path: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    setSize: (size) => setTerminalSize(master, size),
    [Symbol.dispose]: () => void symbols.close(master),
  };
}
