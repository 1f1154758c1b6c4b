/** What is in memory, in the format of Chrome's developer tools. */

/**
 * The process stands still while the heap is walked, about a second for each
 * 100 MB of it.
 * @returns the text of a `.heapsnapshot` file, piece by piece
 */
export async function* heapSnapshot(): AsyncGenerator<Uint8Array> {
  const { getHeapSnapshot } = await import("node:v8");
  const stream: AsyncIterable<Uint8Array | string> = getHeapSnapshot();
  const encoder = new TextEncoder();
  for await (const piece of stream) {
    yield typeof piece === "string" ? encoder.encode(piece) : piece;
  }
}
