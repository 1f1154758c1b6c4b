import { SysError } from "./errno.ts";
import { addressOf, coldSymbols, cstr, errno } from "./libc.ts";

const symbols = coldSymbols({
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  signal: { parameters: ["i32", "usize"], result: "usize" },
});

const SIGPIPE = 13;
const SIG_DFL = 0n;

/**
 * Becomes another program: same process id, same terminal, same descriptors.
 * The kernel ends this process's other threads. Returns only by throwing.
 *
 * @param path of the program, absolute
 * @param argv the name it goes by, then its arguments
 * @throws {SysError}
 */
export function replaceProcess(
  path: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const pairs = Object.entries(environment).map(([key, value]) =>
    `${key}=${value}`
  );
  const args = stringVector(argv);
  const env = stringVector(pairs);
  // The language's runtime ignores SIGPIPE, and what is ignored stays so.
  symbols().signal(SIGPIPE, SIG_DFL);
  symbols().execve(cstr(path), args.pointers, env.pointers);
  const code = errno();
  // Named here so that nothing is collected before the call.
  const count = args.strings.length + env.strings.length;
  throw new SysError("execute", code, path, `with ${count} strings`);
}

/** `char *const []`, and the strings that it points to. */
function stringVector(texts: readonly string[]) {
  const strings = texts.map(cstr);
  const pointers = new BigUint64Array(strings.length + 1);
  strings.forEach((text, at) => pointers[at] = addressOf(text));
  return { strings, pointers: new Uint8Array(pointers.buffer) };
}
