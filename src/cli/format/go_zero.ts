/**
 * What docker's own types have where its JSON has null, or nothing at all:
 * templates there see a list without elements, a map, an empty text. Scripts
 * ask for such fields, `{{if .State.Health}}` for one.
 */

import { Duration, ELEMENT, Nil } from "./go_string.ts";

type Zero =
  | "list"
  | "texts"
  | "map"
  | "pointer"
  | "text"
  | "flag"
  | "number"
  | "duration";

const DURATIONS: Readonly<Record<string, Zero>> = {
  ...{ Interval: "duration", Timeout: "duration" },
  ...{ StartPeriod: "duration", StartInterval: "duration" },
};

/**
 * What JSON leaves out, by the object that would have it; that of a list is
 * named for the list, with brackets.
 */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, Zero>>>> = {
  State: { Health: "pointer" },
  Config: {
    ...{ ExposedPorts: "map", Healthcheck: "pointer", StopSignal: "text" },
    ...{ StopTimeout: "pointer", Shell: "list", MacAddress: "text" },
    ...{ NetworkDisabled: "flag", ArgsEscaped: "flag" },
  },
  Healthcheck: { ...DURATIONS, Test: "list", Retries: "number" },
  "Mounts[]": {
    ...{ Name: "text", Source: "text", Driver: "text", ReadOnly: "flag" },
    ...{ BindOptions: "pointer", VolumeOptions: "pointer" },
    ...{ TmpfsOptions: "pointer", Consistency: "text" },
  },
  HostConfig: {
    ...{ Tmpfs: "texts", Sysctls: "texts", StorageOpt: "texts" },
    ...{ Annotations: "texts", Mounts: "list", Init: "pointer" },
  },
};

/** Of the whole, if that is a container. */
const OF_CONTAINER: Readonly<Record<string, Zero>> = {
  ...{ SizeRw: "pointer", SizeRootFs: "pointer", Node: "pointer" },
};

/** Maps, by the field that has one; others are objects of known fields. */
const MAPS: Readonly<Record<string, Zero>> = {
  ...{ Labels: "texts", Annotations: "texts", Options: "texts" },
  ...{ Tmpfs: "texts", Sysctls: "texts", StorageOpt: "texts" },
  ...{ DriverOpts: "texts", Data: "texts", Volumes: "map" },
  ...{ ExposedPorts: "map", Ports: "map", PortBindings: "map" },
  ...{ Networks: "map" },
};

/** Fields that may be null and are no lists. */
const POINTERS: ReadonlySet<string> = new Set([
  ...["MemorySwappiness", "OomKillDisable", "PidsLimit", "Init", "Health"],
  ...["IPAMConfig", "Healthcheck", "StopTimeout"],
]);

/** A copy for templates, whose JSON is that of `value`. */
export function withZeros(value: unknown): unknown {
  return copied(value, "");
}

/** @param name of the field that has the value; of the whole, empty */
function copied(value: unknown, name: string): unknown {
  if (value === null) return name === "" ? null : zeroOf(nullKind(name));
  if (Array.isArray(value)) {
    return value.map((item) => copied(item, `${name}[]`));
  }
  if (typeof value !== "object" || !isPlain(value)) return value;
  const kind = MAPS[name];
  const copy: object = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      name === "Healthcheck" && DURATIONS[key] !== undefined
        ? new Duration(Number(item))
        : copied(item, fieldName(name, key)),
    ]),
  );
  if (kind !== undefined) return asMap(copy, kind);
  const absent = "HostConfig" in copy ? OF_CONTAINER : LEFT_OUT[name] ?? {};
  for (const [key, zero] of Object.entries(absent)) {
    if (!(key in copy)) hide(copy, key, zeroOf(zero));
  }
  return copy;
}

function fieldName(of: string, key: string): string {
  // The keys of a map are no names of ours.
  if (MAPS[of] !== undefined) return "";
  // A log driver's, unlike a container's, is a map.
  return of === "LogConfig" && key === "Config" ? "Options" : key;
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function nullKind(name: string): Zero {
  return MAPS[name] ?? (POINTERS.has(name) ? "pointer" : "list");
}

function zeroOf(kind: Zero): unknown {
  switch (kind) {
    case "list":
      return hide([], "toJSON", () => null);
    case "texts":
    case "map":
      return hide(asMap({}, kind), "toJSON", () => null);
    case "pointer":
      return new Nil();
    case "text":
      return "";
    case "flag":
      return false;
    case "number":
      return 0;
    case "duration":
      return new Duration(0);
    default:
      return kind satisfies never;
  }
}

function asMap(map: object, kind: Zero): object {
  return hide(map, ELEMENT, kind === "texts" ? "" : new Nil());
}

/** There for whoever asks for it, and for nobody who lists what there is. */
function hide<T extends object>(of: T, key: PropertyKey, value: unknown): T {
  return Object.defineProperty(of, key, { value, enumerable: false });
}
