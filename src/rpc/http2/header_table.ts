/** Fields of headers by number (RFC 7541, section 2.3). */

/** Name and value. Names are in lower case, `:path` and the like among them. */
export type HeaderField = readonly [name: string, value: string];

/** SETTINGS_HEADER_TABLE_SIZE where nobody says another. */
export const TABLE_BYTES = 4096;

/** What a field costs beyond its bytes (section 4.1). */
const FIELD_BYTES = 32;

export function fieldBytes([name, value]: HeaderField): number {
  return name.length + value.length + FIELD_BYTES;
}

/** Appendix A. Numbers begin at 1. */
export const STATIC_FIELDS: readonly HeaderField[] = `
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
`.trim().split("\n").map((line) => {
  const space = line.indexOf(" ");
  return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
});

/** What has been said before on a connection, the newest first. */
export class DynamicTable {
  readonly #fields: HeaderField[] = [];
  #bytes = 0;
  #mostBytes: number;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** By its number in both tables. @returns undefined if there is none */
  at(number: number): HeaderField | undefined {
    return number <= STATIC_FIELDS.length
      ? STATIC_FIELDS[number - 1]
      // The newest is the last one: arrays grow at their ends.
      : this.#fields[
        this.#fields.length - (number - STATIC_FIELDS.length)
      ];
  }

  add(field: HeaderField): void {
    this.#fields.push(field);
    this.#bytes += fieldBytes(field);
    this.#evict();
  }

  resize(mostBytes: number): void {
    this.#mostBytes = mostBytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#mostBytes) {
      const oldest = this.#fields.shift();
      if (oldest === undefined) return;
      this.#bytes -= fieldBytes(oldest);
    }
  }
}
