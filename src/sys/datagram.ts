/** Sending datagrams to a unix socket. @see unix(7) */

import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";

const datagramSymbols = coldSymbols({
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
/** Of `sun_path`, with its NUL. */
const PATH_BYTES = 108;

export interface DatagramSocket extends Disposable {
  /** @throws {SysError} EAGAIN if it takes too long; EMSGSIZE; ECONNREFUSED */
  send(bytes: Uint8Array<ArrayBuffer>): void;
}

/**
 * @param path of at most 107 bytes; one that begins with a NUL is a name
 * outside the file system
 * @param timeoutSeconds for which `send` waits for room
 */
export function connectDatagram(
  path: string,
  timeoutSeconds: number,
): DatagramSocket {
  const symbols = datagramSymbols();
  const address = new Uint8Array(2 + PATH_BYTES);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  const { written } = new TextEncoder().encodeInto(
    path,
    address.subarray(2, 2 + PATH_BYTES - 1),
  );
  if (written < path.length) {
    throw new SysError("connect to", ERRNO.ENAMETOOLONG, path);
  }
  const fd = symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SysError("open socket for", errno(), path);
  using undo = new DisposableStack();
  undo.defer(() => symbols.close(fd));
  // A name ends where the address does, a path at its NUL.
  const length = path.startsWith("\0") ? 2 + written : address.length;
  if (symbols.connect(fd, address, length) !== 0) {
    throw new SysError("connect to", errno(), path);
  }
  const timeout = new BigInt64Array([BigInt(timeoutSeconds), 0n]);
  symbols.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeout, timeout.byteLength);
  const owned = undo.move();
  return {
    send(bytes) {
      for (;;) {
        const count = symbols.send(
          fd,
          bytes,
          BigInt(bytes.length),
          MSG_NOSIGNAL,
        );
        if (count >= 0) return;
        const code = errno();
        if (code !== ERRNO.EINTR) throw new SysError("send to", code, path);
      }
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}
