import type { Context } from "../../base/context.ts";
import { imageVerifiers } from "../../app/image_verifiers.ts";
import { unlessMissing } from "../../base/errors.ts";
import {
  formatReference,
  parseReference,
  type Reference,
} from "../../base/reference.ts";
import type { Image } from "../../core/image.ts";
import type { Services } from "../../core/services.ts";
import { anyPlatform, wantedPlatform } from "../../engine/images_platform.ts";
import { summarise } from "../../engine/images_summary.ts";
import { pullImage, type PullOptions } from "../../engine/pull.ts";
import type { Invocation } from "../command.ts";
import { progressStyle, progressView } from "../progress.ts";
import { registryTrust } from "../registry_trust.ts";

/** `coracle pull NAME[:TAG|@DIGEST]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = ""] = inv.args;
  const reference = parseReference(name);
  const { services, config } = await inv.store({
    registryTrust: registryTrust(inv.flags),
  });
  const quiet = inv.flags.boolean("quiet");
  if (!quiet && !/[:@]/.test(name.slice(name.lastIndexOf("/") + 1))) {
    inv.stderr.line(`Using default tag: ${reference.tag}`);
  }
  const before = await unlessMissing(
    services.images.get(inv.ctx, formatReference(reference)),
  );
  const image = await pull(inv, inv.ctx, services, reference, {
    quiet,
    options: { ...pullOptions(inv), verifiers: imageVerifiers(config) },
  });
  if (quiet) {
    inv.stdout.line(image.target.digest);
    return 0;
  }
  const { digest } = image.target;
  const isNew = before?.target.digest !== digest;
  inv.stdout.write(
    `Digest: ${digest}\nStatus: ${
      isNew ? "Downloaded newer image for" : "Image is up to date for"
    } ${name}\n${image.name}\n`,
  );
  return 0;
}

function pullOptions(inv: Invocation): PullOptions {
  if (inv.flags.boolean("all-platforms")) return { platforms: "all" };
  return { platforms: wantedPlatform(inv.flags.string("platform")) };
}

interface ShownPull {
  readonly quiet: boolean;
  readonly options: PullOptions;
}

async function pull(
  inv: Invocation,
  ctx: Context,
  services: Services,
  reference: Reference,
  { quiet, options }: ShownPull,
): Promise<Image> {
  using view = progressView({
    out: inv.stderr,
    style: progressStyle(inv.stderr, { quiet, env: inv.env }),
    now: inv.now,
  });
  const { onProgress } = view;
  const image = await pullImage(ctx, services, reference, {
    ...options,
    onProgress,
  });
  // So that lists of images need not read its manifest.
  await summarise(ctx, services, image.target, anyPlatform());
  return image;
}
