/** What the service manager of a daemon is told. @see sd_notify(3) */

import { monotonicMicroseconds } from "../../sys/clock.ts";
import { connectDatagram } from "../../sys/datagram.ts";

const SEND_SECONDS = 1;

/** The variables of a process, which are taken away from its children. */
export interface Environment {
  get(name: string): string | undefined;
  delete(name: string): void;
}

export type ServiceState = "ready" | "reloading" | "stopping";

/** Tells the service manager; without one, nobody. */
export interface ServiceManager extends Disposable {
  /** @param status one line for people */
  tell(state: ServiceState, status: string): void;
}

/**
 * @param onFailure it can't be told, which is no reason to stop
 * @param pid of this process
 */
export function openServiceManager(
  env: Environment,
  pid: number,
  onFailure: (error: unknown) => void,
): ServiceManager {
  const address = take(env, "NOTIFY_SOCKET");
  const watchdogUs = Number(take(env, "WATCHDOG_USEC") ?? 0);
  const watchedPid = take(env, "WATCHDOG_PID");
  if (address === undefined || !/^[/@]./.test(address)) {
    return { tell: () => {}, [Symbol.dispose]: () => {} };
  }
  const send = (lines: readonly string[]) => {
    try {
      // `@` stands for a NUL: the name is in no directory.
      using socket = connectDatagram(address.replace(/^@/, "\0"), SEND_SECONDS);
      socket.send(new TextEncoder().encode(lines.join("\n")));
    } catch (error) {
      onFailure(error);
    }
  };
  const isWatched = watchdogUs > 0 &&
    (watchedPid === undefined || watchedPid === String(pid));
  const timer = isWatched
    // Twice as often as it must be.
    ? setInterval(() => send(["WATCHDOG=1"]), watchdogUs / 2_000)
    : undefined;
  return {
    tell: (state, status) => send([...STATES[state](), `STATUS=${status}`]),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const STATES: Readonly<Record<ServiceState, () => readonly string[]>> = {
  ready: () => ["READY=1"],
  reloading: () => [
    "RELOADING=1",
    `MONOTONIC_USEC=${monotonicMicroseconds()}`,
  ],
  stopping: () => ["STOPPING=1"],
};

function take(env: Environment, name: string): string | undefined {
  const value = env.get(name);
  env.delete(name);
  return value;
}
