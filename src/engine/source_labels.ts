import type { Reference } from "../base/reference.ts";
import { LABEL, type Labels } from "../core/labels.ts";

/**
 * Says which repository content came from or went to, so that a push can mount
 * it.
 * @param known labels that the content has
 */
export function sourceLabels(
  { domain, path }: Reference,
  known: Labels = {},
): Labels {
  const repositories = new Set(sourceRepositories(known, domain));
  repositories.delete(path);
  // The latest first; a few are enough.
  const value = [path, ...repositories].slice(0, MOST_REPOSITORIES).join(",");
  return { [sourceLabel(domain)]: value };
}

const MOST_REPOSITORIES = 5;

/** The key; its value lists repositories, separated by commas. */
export function sourceLabel(domain: string): string {
  return `${LABEL.distributionSource}.${domain}`;
}

/** Repositories of `domain` that are known to hold the content. */
export function sourceRepositories(
  labels: Labels,
  domain: string,
): readonly string[] {
  const value = labels[sourceLabel(domain)] ?? "";
  return value.split(",").filter((repository) => repository !== "");
}
