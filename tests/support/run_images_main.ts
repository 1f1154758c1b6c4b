/** `run_images_main.ts ROOT STATE NAMESPACE`: makes the images of tests. */

import { connect } from "../../src/app/connect.ts";
import { background } from "../../src/base/context.ts";
import { silentLogger } from "../../src/base/log.ts";
import { makeBusyboxImage } from "./run_image.ts";
import { IMAGE, IMAGE_WITH_CONFIG } from "./run_store.ts";

const [root = "", state = "", namespace = ""] = Deno.args;
await using store = await connect({ root, state, log: silentLogger });
const ctx = background({ namespace });
const name = (path: string) => `docker.io/${path}:latest`;
await makeBusyboxImage(ctx, store.services, name(`library/${IMAGE}`));
await makeBusyboxImage(ctx, store.services, name(IMAGE_WITH_CONFIG), {
  User: "sailor",
  WorkingDir: "/home/sailor/cabin",
  Entrypoint: ["sh", "-c"],
  Cmd: ["echo from the image"],
  Volumes: { "/data": {} },
  ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
  Labels: { deck: "upper" },
});
