/** What the kernel tells of v1 control groups, by eventfd. */

import { closeFd, openToRead, readSome } from "./descriptors.ts";
import { SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";
import type { Poller } from "./poller.ts";

const eventSymbols = coldSymbols({
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
});
const NONBLOCK = 0o4000;
const CLOSE_ON_EXEC = 0o2000000;

/** Disposing ends it, and tells nothing more. */
export interface GroupWatch extends Disposable {
  /** Calls back at once if there is something to tell. */
  look(): void;
}

/**
 * Calls back when the kernel has something to tell about a file of a v1 group,
 * with how often since the last time; it also tells, once, that the group is
 * removed, some time after its directory has gone.
 * @throws {SysError}
 */
export function watchCgroupV1(
  poller: Poller,
  directory: string,
  name: string,
  callback: (times: number) => void,
): GroupWatch {
  using cleanup = new DisposableStack();
  const fd = eventSymbols().eventfd(0, NONBLOCK | CLOSE_ON_EXEC);
  if (fd < 0) throw new SysError("open", errno(), "eventfd");
  cleanup.defer(() => closeFd(fd));
  const file = openToRead(`${directory}/${name}`);
  cleanup.defer(() => closeFd(file));
  Deno.writeTextFileSync(
    `${directory}/cgroup.event_control`,
    `${fd} ${file}`,
    { create: false },
  );
  const counter = new Uint8Array(8);
  const look = () => {
    if (readSome(fd, counter) === "again") return;
    callback(Number(new DataView(counter.buffer).getBigUint64(0, true)));
  };
  cleanup.use(poller.watch(fd, "readable", look));
  const watched = cleanup.move();
  return { look, [Symbol.dispose]: () => watched[Symbol.dispose]() };
}
