/** How the figures of a container's control groups are called. */

export interface Figure {
  /** Without `container_`. */
  readonly name: string;
  readonly help: string;
  readonly value: number | bigint;
  /** Beside those of the container. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** @param unit what the name ends with, as containerd has it */
export function figures<T extends object>(
  of: T | undefined,
  unit: string,
  names: Readonly<Partial<Record<keyof T & string, string>>>,
): Figure[] {
  if (of === undefined) return [];
  return Object.entries(names).map(([field, name]) => ({
    name: `${name}${unit}`,
    help: `${String(name).replaceAll("_", " ")} of the container`,
    value: of[field as keyof T] as number | bigint,
  }));
}
