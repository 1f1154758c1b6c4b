/**
 * Messages to systemd's journal: `NAME=value` and a line feed for each field,
 * or, for a value with line feeds in it, `NAME`, a line feed, its length (64
 * bits, little-endian), the value, a line feed.
 * @see systemd, "Native Journal Protocol"
 */

const LINE_FEED = 0x0a;
const LENGTH_BYTES = 8;

/** @param fields names in capitals */
export function journalMessage(
  fields: readonly (readonly [name: string, value: string | Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = fields.map(([name, value]) => ({
    name: encoder.encode(name),
    value: typeof value === "string" ? encoder.encode(value) : value,
  }));
  const most = parts.reduce(
    (sum, { name, value }) =>
      sum + name.length + value.length + 2 + LENGTH_BYTES,
    0,
  );
  const bytes = new Uint8Array(most);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { name, value } of parts) {
    bytes.set(name, at);
    at += name.length;
    if (value.includes(LINE_FEED)) {
      bytes[at++] = LINE_FEED;
      view.setBigUint64(at, BigInt(value.length), true);
      at += LENGTH_BYTES;
    } else bytes[at++] = "=".charCodeAt(0);
    bytes.set(value, at);
    at += value.length;
    bytes[at++] = LINE_FEED;
  }
  return bytes.subarray(0, at);
}
