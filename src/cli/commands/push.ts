import { familiarRepository, parseReference } from "../../base/reference.ts";
import { invalidArgument } from "../../base/errors.ts";
import { findImage } from "../../engine/images.ts";
import {
  anyPlatform,
  preferPlatform,
  wantedPlatform,
} from "../../engine/images_platform.ts";
import { pushImage, type PushOptions } from "../../engine/push.ts";
import type { Invocation } from "../command.ts";
import { progressStyle, progressView } from "../progress.ts";
import { registryTrust } from "../registry_trust.ts";

/** `coracle push NAME[:TAG]` */
export async function run(inv: Invocation): Promise<number> {
  const [name = ""] = inv.args;
  const reference = parseReference(name);
  if (reference.digest !== undefined) {
    throw invalidArgument(`Cannot push "${name}": it has a digest`, {
      hint: "Push it by its tag: the digest follows from the content",
    });
  }
  const { services } = await inv.store({
    registryTrust: registryTrust(inv.flags),
  });
  const { image } = await findImage(inv.ctx, services, name, anyPlatform());
  const quiet = inv.flags.boolean("quiet");
  if (!quiet) {
    const repository = familiarRepository(reference);
    inv.stderr.line(`The push refers to repository [${repository}]`);
  }
  using view = progressView({
    out: inv.stderr,
    style: progressStyle(inv.stderr, { quiet, env: inv.env }),
    now: inv.now,
  });
  const { onProgress } = view;
  const pushed = await pushImage(inv.ctx, services, image, reference, {
    ...platforms(inv),
    onProgress,
  });
  inv.stdout.line(
    quiet
      ? pushed.digest
      : `${reference.tag}: digest: ${pushed.digest} size: ${pushed.size}`,
  );
  return 0;
}

/**
 * One platform of an index unless all are asked for: a pull brings no more
 * than one, and then the others are not there to be pushed.
 */
function platforms(inv: Invocation): Pick<PushOptions, "wanted"> {
  if (inv.flags.boolean("all-platforms")) return {};
  const text = inv.flags.string("platform");
  return {
    wanted: preferPlatform(
      wantedPlatform(text),
      text === undefined ? "allow" : "refuse",
    ),
  };
}
