/** Headers and trailers, of which grpc-js has a class. */

/** The part of its `Metadata` that is needed. */
interface Headers {
  get(name: string): readonly unknown[];
  set(name: string, value: string): void;
  getMap(): Readonly<Record<string, unknown>>;
}

/** Binary headers are nothing that containerd's API has. */
export function fromMetadata(metadata: Headers): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of Object.keys(metadata.getMap())) {
    const values = metadata.get(name).filter((it) => typeof it === "string");
    if (values.length > 0) found.set(name, values.join(", "));
  }
  return found;
}

export function withHeaders<H extends Headers>(
  headers: H,
  values: Iterable<readonly [string, string]>,
): H {
  for (const [name, value] of values) headers.set(name, value);
  return headers;
}

/**
 * The first value of a header that may have come more than once, none of which
 * has a comma in it: containerd's clients put what is newest in front.
 */
export function firstValue(
  metadata: ReadonlyMap<string, string>,
  name: string,
): string | undefined {
  return metadata.get(name)?.split(",", 1)[0]?.trim();
}
