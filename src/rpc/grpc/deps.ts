/** What of Node's the transport needs for sockets that are handed over. */

export { createServer, type Socket } from "node:net";
