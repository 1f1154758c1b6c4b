/**
 * A shim of ours that has nothing to do becomes a stand-in again: nobody is
 * connected, its container has said nothing for a while, and there is nothing
 * to watch but its end.
 */

import { type KeepRequest, mayStandIn } from "../core/keeper.ts";
import type { TtrpcServer } from "../rpc/ttrpc/server.ts";
import type { KeptRest } from "../shim/keeper/kept_container.ts";
import {
  closeFd,
  makeFifo,
  openFifo,
  openShared,
  openToRead,
} from "../sys/descriptors.ts";
import { openRemovalWatch } from "../sys/file_watches.ts";
import { makeMemoryFile } from "../sys/memory_file.ts";
import { openPidfd } from "../sys/pidfd.ts";
import { becomeStandIn } from "../sys/stand_in/become.ts";
import { keepCommand } from "./keep_command.ts";
import type { OpenKeeper } from "./keeper.ts";
import type { ResumeOrder } from "./keeper_messages.ts";

/** How long nothing has to happen at first; with 0 it stays up. */
const NAP_VARIABLE = "CORACLE_SHIM_NAP_SECONDS";
const FIRST_NAP_MS = 10_000;
/** And at most, for a container that wakes its shim again and again. */
const LAST_NAP_MS = 600_000;
/** A nap that was shorter was not worth it. */
const GOOD_NAP_MS = 60_000;
/** Whoever has connected to a socket that has just lost its name, is seen. */
const LAST_CALL_MS = 20;
const FIFO_MODE = 0o600;

/** How long to wait for the next nap after the last, if there was one. */
export function nextNap(
  last: ResumeOrder["nap"],
  nowMs: number,
  chosen: string | undefined = Deno.env.get(NAP_VARIABLE),
): number {
  if (last === undefined || nowMs - last.sinceMs >= GOOD_NAP_MS) {
    const seconds = Number(chosen ?? NaN);
    return Number.isNaN(seconds) ? FIRST_NAP_MS : seconds * 1000;
  }
  return Math.min(2 * last.afterMs, LAST_NAP_MS);
}

/**
 * Looks now and then, until it sleeps. Some never can.
 * @param afterMs of idleness
 */
export function napWhenIdle(
  shim: OpenKeeper,
  server: Pick<TtrpcServer, "connections">,
  afterMs: number,
): void {
  const request = shim.keeper.only()?.request;
  if (afterMs === 0 || request === undefined) return;
  if (!mayNap(request, shim.address)) return;
  let received = -1;
  const look = async () => {
    const container = shim.keeper.only();
    const last = received;
    received = container?.streams.received ?? -1;
    if (container === undefined || received !== last) return;
    await shim.settled();
    const rest = container.rest();
    if (rest === undefined || server.connections > 0) return;
    await nap(
      shim,
      rest,
      afterMs,
      () => server.connections === 0 && container.streams.received === received,
    );
  };
  setInterval(() => void look().catch(() => {}), afterMs);
}

/** One that is shared stays up, and one that has to probe. */
function mayNap({ bundle, settings }: KeepRequest, address: string): boolean {
  return address.startsWith(`unix://${bundle}/`) && mayStandIn(settings) &&
    settings.health === undefined;
}

/** @param isQuiet whether there is still nothing to do */
async function nap(
  shim: OpenKeeper,
  rest: KeptRest,
  afterMs: number,
  isQuiet: () => boolean,
): Promise<void> {
  const { bundle } = rest.request;
  const hidden = `${socketOf(shim)}.old`;
  using undo = new DisposableStack();
  const own = (fd: number) => {
    undo.defer(() => closeFd(fd));
    return fd;
  };
  // From here on, those who find no socket find this.
  const wake = own(openWake(`${bundle}/wake`));
  await Deno.rename(socketOf(shim), hidden);
  undo.defer(() => Deno.renameSync(hidden, socketOf(shim)));
  await new Promise((resolve) => setTimeout(resolve, LAST_CALL_MS));
  if (!isQuiet()) return;
  const lock = openShared(`${bundle}/lock`);
  if (lock === undefined) return;
  own(lock);
  const inotify = own(openRemovalWatch(`${bundle}/record.json`));
  const pidfd = own(openPidfd(rest.pid));
  const executable = own(openToRead("/proc/self/exe"));
  const fds = { lock, wake, ...rest.pipes, inotify };
  const order: ResumeOrder = {
    ...rest,
    address: shim.address,
    fds,
    spent: [executable, pidfd],
    nap: { sinceMs: Date.now(), afterMs },
  };
  const text = new TextEncoder().encode(JSON.stringify(order));
  const orderFd = own(makeMemoryFile("order", text, "data"));
  becomeStandIn(
    {
      shim: {
        path: `/proc/self/fd/${executable}`,
        argv: [...ownArguments(rest), "-resume", `${orderFd}`],
      },
      name: "coracle",
      pidfd,
      polled: [wake, ...Object.values(rest.pipes), inotify],
    },
    [...Object.values(fds), executable, pidfd, orderFd],
    shim.deps.env,
  );
}

function openWake(path: string): number {
  try {
    return openFifo(path, "readWrite");
  } catch {
    makeFifo(path, FIFO_MODE);
    return openFifo(path, "readWrite");
  }
}

function socketOf({ address }: OpenKeeper): string {
  return address.replace("unix://", "");
}

function ownArguments({ request }: KeptRest): readonly string[] {
  const [path, ...args] = keepCommand(request);
  // What the kernel says of a file that has lost its name.
  return [path.replace(/ \(deleted\)$/, ""), ...args];
}
