/**
 * The first line of a stream, without its line feed; undefined at its end.
 * What follows the line stays unread, or is lost.
 */
export async function readLine(
  stream: ReadableStream<Uint8Array>,
): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text === "" ? undefined : text;
      text += decoder.decode(value, { stream: true });
      const end = text.indexOf("\n");
      if (end >= 0) return text.slice(0, end).replace(/\r$/, "");
    }
  } finally {
    reader.releaseLock();
  }
}
