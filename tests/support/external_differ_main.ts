/**
 * A differ as a program of its own: `external_differ_main.ts SOCKET DAEMON`. It
 * unpacks plain archives into snapshots of `native`, and can do nothing else;
 * layers are in the content of the daemon at DAEMON. It ends with its standard input.
 */

import { diffService } from "../../src/api/server/diff.ts";
import { remoteContent } from "../../src/api/remote/content.ts";
import { EngineError, unimplemented } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Differ } from "../../src/core/diff.ts";
import { verifiedStream } from "../../src/core/verified.ts";
import { MEDIA_TYPE } from "../../src/oci/media_types.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import { serveExternal } from "./serve_external.ts";

const [path = "", daemon = ""] = Deno.args;

await using client = new GrpcClient({ path: daemon });
const content = remoteContent(client);
const PLAIN: readonly string[] = [
  MEDIA_TYPE.ociLayer,
  "application/vnd.docker.image.rootfs.diff.tar",
];

const differ: Differ = {
  async apply(ctx, layer, mounts) {
    const [mount, ...others] = mounts;
    const isPlain = mount?.type === "bind" && others.length === 0 &&
      mount.source.includes("/snapshots/native/");
    if (!isPlain) throw unimplemented("unpack onto overlay");
    if (!PLAIN.includes(layer.mediaType)) {
      throw unimplemented(`unpack "${layer.mediaType}"`);
    }
    const bytes = await verifiedStream(ctx, content, layer);
    const tar = new Deno.Command("tar", {
      args: ["-x", "-C", mount.source],
      stdin: "piped",
    }).spawn();
    await bytes.pipeTo(tar.stdin);
    if (!(await tar.status).success) {
      throw new EngineError("dataLoss", "tar can't read it");
    }
    await Deno.writeTextFile(`${mount.source}/unpacked-by`, "another program");
    return { diffId: layer.digest, size: layer.size };
  },
  compare: () => Promise.reject(unimplemented("compare")),
  // deno-lint-ignore require-yield -- there is no such call
  async *changes() {
    await Promise.reject(unimplemented("compare"));
  },
};
await serveExternal(path, [diffService({ differ, log: silentLogger })]);
