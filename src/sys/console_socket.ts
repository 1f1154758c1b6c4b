/**
 * The socket on which an OCI runtime hands over the terminal that it has made
 * for a container.
 * @see runc, "docs/terminals.md", "Detached"
 */

import { closeFd, openDirectoryFd } from "./descriptors.ts";
import { ERRNO, SysError } from "./errno.ts";
import { addressOf, coldSymbols, errno } from "./libc.ts";
import type { Poller, Watch } from "./poller.ts";

const socketSymbols = coldSymbols({
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: {
    parameters: ["i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
});

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** `sun_path` with its NUL. */
const MOST_PATH_BYTES = 107;

export interface ConsoleSocket extends Disposable {
  /** For the runtime's `--console-socket`; short enough in any case. */
  readonly path: string;
  /**
   * The master of the terminal that comes next: ours to close.
   * It never settles if the runtime fails before; dispose then.
   */
  accept(): Promise<number>;
}

/** Disposing removes the socket. @throws {SysError} */
export function listenConsole(path: string, poller: Poller): ConsoleSocket {
  using cleanup = new DisposableStack();
  const symbols = socketSymbols();
  const flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = symbols.socket(AF_UNIX, flags, 0);
  if (fd < 0) throw new SysError("make", errno(), "socket");
  cleanup.defer(() => closeFd(fd));
  const shortPath = shorten(path, cleanup);
  const address = unixAddress(shortPath);
  if (symbols.bind(fd, address, address.length) !== 0) {
    throw new SysError("listen on", errno(), path);
  }
  cleanup.defer(() => removeIfThere(path));
  if (symbols.listen(fd, 8) !== 0) {
    throw new SysError("listen on", errno(), path);
  }
  const owned = cleanup.move();
  return {
    path: shortPath,
    accept: () => acceptConsole(fd, poller, owned),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** A path that means the same to other processes, too, while we live. */
function shorten(path: string, cleanup: DisposableStack): string {
  if (new TextEncoder().encode(path).length <= MOST_PATH_BYTES) return path;
  const slash = path.lastIndexOf("/");
  const directory = openDirectoryFd(path.slice(0, slash));
  cleanup.defer(() => closeFd(directory));
  return `/proc/${Deno.pid}/fd/${directory}${path.slice(slash)}`;
}

/** `struct sockaddr_un` */
function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + text.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(text, 2);
  return address;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** First the connection, then the message on it. */
async function acceptConsole(
  listener: number,
  poller: Poller,
  owned: DisposableStack,
): Promise<number> {
  const connection = await readable(listener, poller, owned, () => {
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = socketSymbols().accept4(listener, null, null, flags);
    return fd < 0 ? failureOf("accept", errno()) : fd;
  });
  const closeConnection = owned.adopt(
    { isOpen: true },
    (state) => {
      if (state.isOpen) closeFd(connection);
      state.isOpen = false;
    },
  );
  try {
    return await readable(
      connection,
      poller,
      owned,
      () => receiveDescriptor(connection),
    );
  } finally {
    if (closeConnection.isOpen) closeFd(connection);
    closeConnection.isOpen = false;
  }
}

/** Tries when `fd` is readable until it succeeds. */
function readable(
  fd: number,
  poller: Poller,
  owned: DisposableStack,
  attempt: () => number | "again",
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const watch: Watch = poller.watch(fd, "readable", () => {
    try {
      const result = attempt();
      if (result === "again") return;
      resolve(result);
    } catch (error) {
      reject(error);
    }
    watch[Symbol.dispose]();
  });
  owned.use(watch);
  return promise;
}

function failureOf(verb: string, code: number): "again" {
  if (code === ERRNO.EAGAIN || code === ERRNO.EINTR) return "again";
  throw new SysError(verb, code, "console socket");
}

// `struct msghdr` and `struct cmsghdr` of 64-bit Linux.
const MSGHDR_BYTES = 56;
const CMSG_BYTES = 24;
const CMSG_FD_AT = 16;

/** One descriptor from a message. @see unix(7), "SCM_RIGHTS" */
function receiveDescriptor(socket: number): number | "again" {
  const data = new Uint8Array(4096);
  const control = new Uint8Array(CMSG_BYTES);
  const iov = new BigUint64Array([addressOf(data), BigInt(data.length)]);
  const header = new Uint8Array(MSGHDR_BYTES);
  const view = new DataView(header.buffer);
  view.setBigUint64(16, addressOf(new Uint8Array(iov.buffer)), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, addressOf(control), true);
  view.setBigUint64(40, BigInt(control.length), true);
  const count = socketSymbols().recvmsg(socket, header, MSG_CMSG_CLOEXEC);
  if (count < 0) return failureOf("receive from", errno());
  const cmsg = new DataView(control.buffer);
  const isDescriptor = cmsg.getInt32(8, true) === SOL_SOCKET &&
    cmsg.getInt32(12, true) === SCM_RIGHTS;
  if (!isDescriptor || iov.length !== 2) {
    throw new SysError("receive from", ERRNO.EIO, "console socket");
  }
  return cmsg.getInt32(CMSG_FD_AT, true);
}
