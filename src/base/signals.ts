/** Signals by name and number. */

import { invalidArgument } from "./errors.ts";

/** Numbers on x86-64 and aarch64, which are the same. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

export type SignalName = keyof typeof SIGNALS;

/** Other names for the same numbers. */
const ALIASES: Readonly<Record<string, number>> = {
  SIGIOT: SIGNALS.SIGABRT,
  SIGCLD: SIGNALS.SIGCHLD,
  SIGPOLL: SIGNALS.SIGIO,
};

/** As libc numbers them; the kernel's first two are libc's own. */
const FIRST_REAL_TIME = 34;
const LAST = 64;

/**
 * The number of a signal's name, with or without `SIG`, in any case, or of a
 * number: `TERM`, `sigkill`, `9`, `RTMIN+3`, `RTMAX-1`.
 * @throws {EngineError} `invalidArgument`
 */
export function signalNumber(text: string): number {
  const number = numberOf(text.toUpperCase());
  if (number !== undefined && number > 0 && number <= LAST) return number;
  throw invalidArgument(`Invalid signal: ${text}`, {
    hint: "See signal(7) for the names, for instance SIGTERM",
  });
}

function numberOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.startsWith("SIG") ? text : `SIG${text}`;
  if (Object.hasOwn(SIGNALS, name)) return SIGNALS[name as SignalName];
  if (Object.hasOwn(ALIASES, name)) return ALIASES[name];
  const [, end, distance = "0"] =
    /^SIGRT(MIN(?=\+\d+$|$)|MAX(?=-\d+$|$))(?:[+-](\d+))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  const real = end === "MIN"
    ? FIRST_REAL_TIME + Number(distance)
    : LAST - Number(distance);
  return real >= FIRST_REAL_TIME ? real : undefined;
}

/** `SIGTERM` of 15; the number as a text if it has no name. */
export function signalText(number: number): string {
  const named = Object.entries(SIGNALS).find(([, value]) => value === number);
  return named?.[0] ?? String(number);
}
