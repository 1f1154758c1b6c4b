/** Learning which process a runtime has started. */

const LOOK_MS = 10;

/**
 * Calls back once a runtime that stays has written a process's number. It says
 * so in no other way.
 */
export function notePid(
  file: string,
  callback: (pid: number) => void,
): Disposable {
  const timer = setInterval(() => {
    let text: string;
    try {
      text = Deno.readTextFileSync(file);
    } catch {
      return;
    }
    if (text === "") return;
    clearInterval(timer);
    callback(Number(text));
  }, LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
