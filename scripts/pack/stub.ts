/**
 * The start-up code of the packed executable: what it does, and how its bytes
 * and the data behind them are laid out.
 *
 * It runs after ld.so and before libc's start, in the place of the
 * executable's own entry point. In a directory that has been deleted the
 * runtime would end at once without a word, so the stub leaves it for `/proc`,
 * where no file can be made by mistake. Then it writes, below the argument
 * block that the kernel put on the stack, a second one in which argv is
 * `argv[0]`, our arguments, the user's arguments, and the environment is ours
 * followed by the user's without the variables that begin with a dropped
 * prefix. libc's start takes argv from the stack, but a libc that is
 * a shared library has set `environ` long before, so that is set as well. Then
 * the stub jumps to the original entry point. `/proc/PID/cmdline` and
 * `/proc/PID/environ` still show what the user gave.
 *
 * Data behind the code: `i64` original entry point minus start of the stub,
 * `i64` slot of the global offset table that holds the address of `environ`,
 * minus start of the stub, or 0, `u32` bytes to reserve on the stack, then three lists of NUL-terminated
 * strings (arguments, environment, prefixes), each ended by an empty string.
 */

export interface Stub {
  /** `e_machine` of the executables that it is for. */
  readonly machine: number;
  /** A multiple of 8 bytes; position-independent. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** Lines of `address: bytes instruction`, or `# comment`. */
  readonly listing: string;
}

export interface StubData {
  /** Original entry point minus the address of the stub. */
  readonly entryDelta: bigint;
  /** Slot with the address of `environ`, minus the stub's; 0 for none. */
  readonly environDelta: bigint;
  /** Inserted behind argv[0]. None may be empty. */
  readonly args: readonly string[];
  /** `NAME=value`, put before the user's environment. */
  readonly env: readonly string[];
  /** A variable of the user that begins with one of these is left out. */
  readonly droppedEnv: readonly string[];
}

/** The stub that a listing describes. */
export function stubOf(
  { machine, listing }: Pick<Stub, "machine" | "listing">,
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
  return { machine, code: new Uint8Array(bytes), listing };
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
  const segment = new Uint8Array(length + 20 + strings.length);
  segment.set(stub.code);
  const view = new DataView(segment.buffer);
  view.setBigInt64(length, data.entryDelta, true);
  view.setBigInt64(length + 8, data.environDelta, true);
  // A pointer for each addition, and what aligning the stack may take.
  view.setUint32(
    length + 16,
    8 * (data.args.length + data.env.length) + 32,
    true,
  );
  segment.set(strings, length + 20);
  return segment;
}
