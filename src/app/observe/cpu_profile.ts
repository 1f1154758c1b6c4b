/** Where the time goes, in the format of Chrome's developer tools. */

import { inSources, type Profile } from "./profile_sources.ts";

interface ProfilerResult {
  /** Of `Profiler.stop`. */
  readonly profile?: Profile;
}

/** The part of Node's inspector that is needed. */
interface Session {
  connect(): void;
  disconnect(): void;
  post(
    method: string,
    done: (
      error: Error | null,
      result?: ProfilerResult,
    ) => void,
  ): void;
}

/**
 * Watches this thread until the signal fires or so much time has passed.
 * @returns the text of a `.cpuprofile` file
 */
export async function cpuProfile(
  ms: number,
  signal: AbortSignal,
): Promise<string> {
  const inspector = await import("node:inspector");
  const session: Session = new inspector.Session();
  session.connect();
  try {
    await post(session, "Profiler.enable");
    await post(session, "Profiler.start");
    await pause(ms, signal);
    const { profile } = await post(session, "Profiler.stop");
    if (profile === undefined) throw new Error("The profiler has no profile");
    return JSON.stringify(inSources(profile));
  } finally {
    session.disconnect();
  }
}

async function post(
  session: Session,
  method: string,
): Promise<ProfilerResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProfilerResult>();
  session.post(
    method,
    (error, result) => error === null ? resolve(result ?? {}) : reject(error),
  );
  return await promise;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  signal.addEventListener("abort", wake, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", wake);
}
