/**
 * The only foreign function interface of the engine: libc's symbols, as data,
 * in groups that are opened when first used.
 *
 * Two ways to open a function, both typed alike:
 * - `hotSymbols` has machine code made for each call: some nanoseconds a call,
 *   but 4 ms for the first function of a process and 0.45 ms for each further
 *   one. For loops over files.
 * - `coldSymbols` looks up addresses only: 0.1 ms a function, some
 *   microseconds a call. For what a command does a few times.
 *
 * Rules for callers, all of them in `sys/`:
 * - read `errno()` directly after the call, before anything else runs; the
 *   errno of a `nonblocking` call can't be read at all;
 * - variadic functions are called through fixed signatures, which both x86-64
 *   and aarch64 Linux pass alike;
 * - descriptors are opened with O_CLOEXEC, or they leak into children.
 */

const LIBC = "libc.so.6";

type Functions = Readonly<Record<string, Deno.ForeignFunction>>;
type Opened<S extends Functions> = Deno.DynamicLibrary<S>["symbols"];

/** Opens `functions` when first called; the same object afterwards. */
export function hotSymbols<const S extends Functions>(
  functions: S,
): () => Opened<S> {
  let opened: Opened<S> | undefined;
  return () => opened ??= Deno.dlopen(LIBC, functions).symbols;
}

/** As `hotSymbols`, cheap to open instead of cheap to call. */
export function coldSymbols<const S extends Functions>(
  functions: S,
): () => Opened<S> {
  let opened: Opened<S> | undefined;
  return () => opened ??= openCold(functions);
}

function openCold<S extends Functions>(functions: S): Opened<S> {
  const names = Object.entries(functions);
  // A symbol that is said to be data is given as its address, nothing more.
  const addresses = Deno.dlopen(
    LIBC,
    Object.fromEntries(
      names.map((
        [key, { name = key }],
      ) => [key, { name, type: "pointer" } as const]),
    ),
  ).symbols;
  return Object.fromEntries(names.map(([key, definition]) => {
    const address = addresses[key];
    if (address === undefined || address === null) {
      throw new Error(`Cannot find "${key}" in ${LIBC}`);
    }
    const pointer = new Deno.UnsafeFnPointer(
      address as Deno.PointerObject<Deno.ForeignFunction>,
      definition,
    );
    return [key, pointer.call.bind(pointer)];
  })) as Opened<S>;
}

const errnoSymbols = coldSymbols({
  __errno_location: { parameters: [], result: "pointer" },
});
const messageSymbols = coldSymbols({
  strerror: { parameters: ["i32"], result: "pointer" },
});

let errnoView: Int32Array | undefined;

/** errno of this thread's last synchronous call. */
export function errno(): number {
  if (errnoView === undefined) {
    const location = errnoSymbols().__errno_location();
    if (location === null) return 0;
    errnoView = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(location, 4),
    );
  }
  return errnoView[0] ?? 0;
}

/** Call once before a hot loop, so that `errno()` allocates nothing in it. */
export function primeErrno(): void {
  errno();
}

/** libc's words for an error number, for instance `No such file or directory`. */
export function errnoMessage(code: number): string {
  const text = messageSymbols().strerror(code);
  return text === null
    ? `errno ${code}`
    : Deno.UnsafePointerView.getCString(text);
}

const encoder = new TextEncoder();

/** A NUL-terminated copy of `text`. */
export function cstr(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/** Address of a buffer, for structures that hold pointers. Keep it referenced. */
export function addressOf(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/** A NULL-terminated `char *[]`. */
export interface StringArray {
  readonly pointers: BigUint64Array<ArrayBuffer>;
  /** What they point into: to be kept alive as long as they are used. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One buffer for all: to ask for the address of each takes 30 microseconds. */
export function stringArray(values: readonly string[]): StringArray {
  const texts = values.map((value) => `${value.replace(/\0.*/s, "")}\0`);
  const bytes = encoder.encode(texts.join(""));
  const pointers = new BigUint64Array(values.length + 1);
  const start = values.length === 0 ? 0n : addressOf(bytes);
  for (let i = 0, at = 0; i < values.length; i++) {
    pointers[i] = start + BigInt(at);
    at = bytes.indexOf(0, at) + 1;
  }
  return { pointers, bytes };
}

/** The process's architecture, for the few constants that differ. */
export const isAarch64: boolean = Deno.build.arch === "aarch64";
