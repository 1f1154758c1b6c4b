/** `coracle images --filter`: same key or-ed, different keys and-ed. */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import { familiarRepository, repositoryOf } from "../base/reference.ts";
import type { Services } from "../core/services.ts";
import {
  findImage,
  imageId,
  isNameless,
  type ListedImage,
  nameReference,
} from "../engine/images.ts";
import {
  type PlatformChoice,
  readImageContent,
} from "../engine/images_content.ts";
import { summarise } from "../engine/images_summary.ts";
import { parseFilterFlags } from "./filter_flags.ts";
import { parseTime } from "./time.ts";

interface ImageFilterOptions {
  readonly filters: readonly string[];
  /** `alpine`, `alpine:3*`: the argument of `coracle images`. */
  readonly reference: string | undefined;
  readonly now: Date;
  readonly wanted: PlatformChoice;
}

export type ImageFilter = (listed: ListedImage) => Promise<boolean>;

const KEYS = ["before", "dangling", "label", "reference", "since", "until"];

/** @throws {EngineError} `invalidArgument`; `notFound` for before and since */
export async function imageFilter(
  ctx: Context,
  services: Services,
  options: ImageFilterOptions,
): Promise<ImageFilter> {
  const flags = parseFilterFlags(options.filters, KEYS);
  const made = async (name: string) => {
    const { image } = await findImage(ctx, services, name, options.wanted);
    const target = await summarise(ctx, services, image.target, options.wanted);
    return target?.createdAt?.getTime() ?? 0;
  };
  const before = await Promise.all((flags.get("before") ?? []).map(made));
  const since = await Promise.all((flags.get("since") ?? []).map(made));
  const until = (flags.get("until") ?? [])
    .map((text) => parseTime(text, options.now).getTime());
  const dangling = (flags.get("dangling") ?? []).map(parseDangling);
  const patterns = [
    ...flags.get("reference") ?? [],
    ...options.reference === undefined ? [] : [options.reference],
  ].map(referencePattern);
  const labels = flags.get("label") ?? [];
  return async (listed) => {
    const age = listed.summary?.createdAt?.getTime() ?? 0;
    return before.every((limit) => age < limit) &&
      since.every((limit) => age > limit) &&
      until.every((limit) => age < limit) &&
      dangling.every((is) => is === isNameless(listed.image.name)) &&
      (patterns.length === 0 || patterns.some((fits) => fits(listed))) &&
      (labels.length === 0 ||
        await hasLabels(ctx, services, listed, labels, options.wanted));
  };
}

function parseDangling(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw invalidArgument(`Cannot use filter "dangling=${text}"`, {
    hint: "Say dangling=true or dangling=false",
  });
}

/** Matches names with `*` and `?`, short or whole, with or without a tag. */
function referencePattern(pattern: string): (listed: ListedImage) => boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*").replaceAll("?", "[^/]");
  const matcher = new RegExp(`^${source}$`);
  return (listed) => {
    const reference = nameReference(listed.image.name);
    if (reference === undefined) return false;
    const { tag } = reference;
    const names = [familiarRepository(reference), repositoryOf(reference)];
    return names.some((name) =>
      matcher.test(name) ||
      (tag !== undefined && matcher.test(`${name}:${tag}`))
    ) || imageId(listed) === pattern;
  };
}

async function hasLabels(
  ctx: Context,
  services: Services,
  { image }: ListedImage,
  labels: readonly string[],
  wanted: PlatformChoice,
): Promise<boolean> {
  const { config } = await readImageContent(
    ctx,
    services.content,
    image.target,
    wanted,
  );
  const own = config.config?.Labels ?? {};
  return labels.every((label) => {
    const [key = "", ...value] = label.split("=");
    return Object.hasOwn(own, key) &&
      (value.length === 0 || own[key] === value.join("="));
  });
}
