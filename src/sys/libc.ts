/**
 * The only foreign function interface of the engine: libc's symbols, as data,
 * in groups that are opened when first used, because a one-shot command pays
 * about a quarter of a millisecond for each symbol that it opens.
 *
 * Rules for callers, all of them in `sys/`:
 * - read `errno()` directly after the call, before anything else runs; the
 *   errno of a `nonblocking` call can't be read at all;
 * - variadic functions are called through fixed signatures, which both x86-64
 *   and aarch64 Linux pass alike;
 * - descriptors are opened with O_CLOEXEC, or they leak into children.
 */

const LIBC = "libc.so.6";

/** Opens `symbols` of libc when first called; the same object afterwards. */
export function lazySymbols<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): () => Deno.DynamicLibrary<S>["symbols"] {
  let opened: Deno.DynamicLibrary<S>["symbols"] | undefined;
  return () => opened ??= Deno.dlopen(LIBC, symbols).symbols;
}

const errnoSymbols = lazySymbols({
  __errno_location: { parameters: [], result: "pointer" },
});
const messageSymbols = lazySymbols({
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

/** The process's architecture, for the few constants that differ. */
export const isAarch64: boolean = Deno.build.arch === "aarch64";
