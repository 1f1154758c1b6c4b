/** The time of day, more exactly than `Date` has it. */

import { SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";

const clockSymbols = coldSymbols({
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
});

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
/** Since boot, also while the machine was asleep. */
const CLOCK_BOOTTIME = 7;
const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MICROSECOND = 1_000n;

/** @returns reads nanoseconds since 1970, UTC */
export function openClock(): () => bigint {
  return reader(CLOCK_REALTIME);
}

/** Since some moment in the past, the same for all processes until reboot. */
export function monotonicMicroseconds(): bigint {
  return reader(CLOCK_MONOTONIC)() / NS_PER_MICROSECOND;
}

/** When the machine was booted, in microseconds since 1970, UTC. */
export function bootMicroseconds(): bigint {
  const sinceBoot = reader(CLOCK_BOOTTIME);
  const now = openClock();
  return (now() - sinceBoot()) / NS_PER_MICROSECOND;
}

function reader(clock: number): () => bigint {
  const { clock_gettime: read } = clockSymbols();
  const time = new BigInt64Array(2);
  return () => {
    if (read(clock, time) !== 0) {
      throw new SysError("read", errno(), "clock");
    }
    return (time[0] ?? 0n) * NS_PER_SECOND + (time[1] ?? 0n);
  };
}
