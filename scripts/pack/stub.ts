/**
 * The start-up code of the packed executable: what it does, and how its bytes
 * and the data behind them are laid out.
 *
 * It runs after ld.so and before libc's start, in the place of the
 * executable's own entry point. It makes no system call: it only writes, below
 * the argument block that the kernel put on the stack, a second one in which
 * argv is `argv[0]`, our arguments, the user's arguments, and the environment
 * is ours followed by the user's without the variables that begin with a
 * dropped prefix. Then it jumps to the original entry point. libc's start
 * takes argv and the environment from the stack, so this is all it sees, while
 * `/proc/PID/cmdline` and `/proc/PID/environ` still show what the user gave.
 *
 * Data behind the code: `i64` original entry point minus start of the stub,
 * `u32` bytes to reserve on the stack, then three lists of NUL-terminated
 * strings (arguments, environment, prefixes), each ended by an empty string.
 */

export interface Stub {
  /** `e_machine` of the executables that it is for. */
  readonly machine: number;
  /** A multiple of 8 bytes; position-independent. */
  readonly code: Uint8Array<ArrayBuffer>;
}

export interface StubData {
  /** Original entry point minus the address of the stub. */
  readonly entryDelta: bigint;
  /** Inserted behind argv[0]. None may be empty. */
  readonly args: readonly string[];
  /** `NAME=value`, put before the user's environment. */
  readonly env: readonly string[];
  /** A variable of the user that begins with one of these is left out. */
  readonly droppedEnv: readonly string[];
}

/** @param listing lines of `address: bytes instruction`, or `# comment` */
export function stubOf(
  { machine, listing }: { readonly machine: number; readonly listing: string },
): Stub {
  const bytes: number[] = [];
  for (const line of listing.split("\n")) {
    const [, address, hex] = /^([0-9a-f]+): ([0-9a-f]+) /.exec(line) ?? [];
    if (address === undefined || hex === undefined) continue;
    if (parseInt(address, 16) !== bytes.length) {
      throw new Error(`Cannot assemble "${line}": wrong address`);
    }
    bytes.push(...Uint8Array.fromHex(hex));
  }
  if (bytes.length % 8 !== 0) {
    throw new Error(`Cannot assemble a stub of "${bytes.length}" bytes`);
  }
  return { machine, code: new Uint8Array(bytes) };
}

/** The whole segment: code and data. */
export function encodeStub(
  stub: Stub,
  data: StubData,
): Uint8Array<ArrayBuffer> {
  const lists = [data.args, data.env, data.droppedEnv];
  for (const text of lists.flat()) {
    if (text === "" || text.includes("\0")) {
      throw new Error(`Cannot pack the string "${text}"`);
    }
  }
  const strings = new TextEncoder().encode(
    lists.map((list) => list.map((text) => `${text}\0`).join("") + "\0").join(
      "",
    ),
  );
  const { length } = stub.code;
  const segment = new Uint8Array(length + 12 + strings.length);
  segment.set(stub.code);
  const view = new DataView(segment.buffer);
  view.setBigInt64(length, data.entryDelta, true);
  // A pointer for each addition, and what aligning the stack may take.
  view.setUint32(
    length + 8,
    8 * (data.args.length + data.env.length) + 32,
    true,
  );
  segment.set(strings, length + 12);
  return segment;
}
