import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import { compressGzip } from "../../engine/images_compress.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import { saveImages } from "../../engine/save.ts";
import { tarBytes } from "../../engine/images_tar.ts";
import { writeDirectory } from "../archive_write.ts";
import type { Invocation } from "../command.ts";
import { writeWholeFile } from "../whole_file.ts";

/** `coracle save [-o FILE|DIRECTORY] IMAGE...` */
export async function run(inv: Invocation): Promise<number> {
  const format = inv.flags.string("format") ?? "docker-archive";
  const output = inv.flags.string("output");
  checkOutput(inv, format, output);
  const services = await inv.services();
  const files = await saveImages(inv.ctx, services, inv.args, {
    format: format.startsWith("docker") ? "docker" : "oci",
    wanted: anyPlatform(inv.flags.string("platform")),
  });
  if (format.endsWith("-dir")) {
    await writeDirectory(output ?? "", files);
    return 0;
  }
  const compress = inv.flags.given("compress")
    ? inv.flags.boolean("compress")
    : /\.t?gz$/.test(output ?? "");
  const plain = tarBytes(files);
  const bytes = compress ? await compressGzip(plain) : plain;
  if (output !== undefined && output !== "-") {
    await writeWholeFile(output, bytes);
    return 0;
  }
  for await (const chunk of bytes) inv.stdout.write(chunk);
  return 0;
}

function checkOutput(
  inv: Invocation,
  format: string,
  output: string | undefined,
): void {
  if (format.endsWith("-dir")) {
    if (output !== undefined && output !== "-") return;
    throw invalidArgument(`Cannot save as "${format}" to standard output`, {
      hint: "Name a directory with --output",
    });
  }
  if (inv.stdout.isTerminal && output === undefined) {
    throw failedPrecondition("Cannot save to a terminal", {
      hint: "Redirect standard output, or name a file with --output",
    });
  }
}
