/** What of Node's the transport is made of; nothing else may import it. */

export { Buffer } from "node:buffer";
export { createServer, type Server, type Socket } from "node:net";
export { Duplex } from "node:stream";
