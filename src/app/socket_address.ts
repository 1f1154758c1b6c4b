/** Addresses of unix sockets, as users write them. */

/** @param address a path, or `unix://` and one */
export function withoutScheme(address: string): string {
  return address.replace(/^unix:\/\//, "");
}
