/// <reference lib="deno.worker" />
import { VERSION } from "../../src/app/self.ts";

self.postMessage({ version: VERSION, url: import.meta.url });
