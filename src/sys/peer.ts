/** Who serves a unix socket. @see unix(7), SO_PEERCRED */

import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";

const peerSymbols = coldSymbols({
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  close: { parameters: ["i32"], result: "i32" },
});

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** Of `sun_path`, with its NUL. */
const PATH_BYTES = 108;

/** Numbers as this process sees them. */
export interface SocketPeer {
  /** Of who has begun to listen; 0 if it is not seen from here. */
  readonly pid: number;
  readonly uid: number;
}

/**
 * Connects for a moment.
 * @param path of at most 107 bytes
 * @throws {SysError} if nobody serves there, or not for us
 */
export function peerOf(path: string): SocketPeer {
  const symbols = peerSymbols();
  const address = new Uint8Array(2 + PATH_BYTES);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  const { read } = new TextEncoder().encodeInto(
    path,
    address.subarray(2, 2 + PATH_BYTES - 1),
  );
  if (read < path.length) {
    throw new SysError("connect to", ERRNO.ENAMETOOLONG, path);
  }
  const fd = symbols.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SysError("open socket for", errno(), path);
  using stack = new DisposableStack();
  stack.defer(() => symbols.close(fd));
  if (symbols.connect(fd, address, address.length) !== 0) {
    throw new SysError("connect to", errno(), path);
  }
  const credentials = new Int32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  const failed = symbols
    .getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length);
  if (failed !== 0) throw new SysError("ask who serves", errno(), path);
  const [pid = 0, uid = 0] = credentials;
  return { pid, uid };
}
