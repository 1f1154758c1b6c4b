/**
 * Overlays whose options don't fit a page, and the kernel's own words about a
 * mount that failed.
 */

import { ERRNO, SysError } from "./errno.ts";
import { cstr } from "./libc.ts";
import {
  attachMount,
  createFs,
  type Descriptor,
  descriptorPath,
  layerOptions,
  makeMount,
  mountByData,
  readLog,
  setFlag,
  setString,
  shorten,
  splitLayers,
  tryOpenFs,
} from "./mount_context.ts";
import { MS } from "./mount_options.ts";

/** What a mount is made of, its options already sorted. */
export interface OverlayRequest {
  readonly source: string;
  /** mount(2) flags. */
  readonly flags: number;
  readonly data: readonly string[];
}

/**
 * Mounts an overlay of up to 500 layers, whatever the length of their paths.
 * Kernels before 6.8 can't take layers one by one: there the paths are made
 * short, which holds about 240 layers.
 * @throws {SysError}
 */
export function mountLongOverlay(
  request: OverlayRequest,
  target: string,
): void {
  if (mountLayerByLayer(request, target) === "unsupported") {
    mountByDescriptors(request, target);
  }
}

/** True if the kernel takes the layers of an overlay one by one. */
export function canMountLayerByLayer(): boolean {
  const fs = tryOpenFs("overlay");
  if (fs === undefined) return false;
  using context = fs;
  return setString(context, "lowerdir+", "/") === 0;
}

function mountLayerByLayer(
  { source, flags, data }: OverlayRequest,
  target: string,
): "done" | "unsupported" {
  using tree = detachedOverlay({ source, flags, data }, target);
  if (tree === undefined) return "unsupported";
  const failed = attachMount(tree, target);
  if (failed !== 0) throw new SysError("mount overlay on", failed, target);
  return "done";
}

/**
 * An overlay that is attached nowhere, and gone when its descriptor is closed.
 * @param what for messages
 * @returns undefined if the kernel can't take layers one by one
 * @throws {SysError}
 */
export function detachedOverlay(
  { source, flags, data }: OverlayRequest,
  what: string,
): Descriptor | undefined {
  if (!canMountLayerByLayer()) return undefined;
  const opened = tryOpenFs("overlay");
  if (opened === undefined) return undefined;
  using fs = opened;
  using stack = new DisposableStack();
  const check = (result: number) => {
    if (result === 0) return;
    throw new SysError("mount overlay on", result, what, readLog(fs));
  };
  check(setString(fs, "source", source));
  for (const option of data) {
    for (const [key, value] of layerOptions(option)) {
      check(
        value === undefined
          ? setFlag(fs, key)
          : setString(fs, key, shorten(value, stack)),
      );
    }
  }
  if ((flags & MS.RDONLY) !== 0) check(setFlag(fs, "ro"));
  check(createFs(fs));
  return makeMount(fs, flags, what);
}

/** For older kernels: mount(2) with each path replaced by a descriptor's. */
export function mountByDescriptors(
  { source, flags, data }: OverlayRequest,
  target: string,
): void {
  using stack = new DisposableStack();
  const text = data.map((option) => {
    const at = option.indexOf("=");
    const [key, value] = [option.slice(0, at), option.slice(at + 1)];
    if (key === "lowerdir") {
      const layers = splitLayers(value);
      return `lowerdir=${
        layers.map((layer) => descriptorPath(layer, stack)).join(":")
      }`;
    }
    return option;
  }).join(",");
  const bytes = cstr(text);
  if (bytes.length > 4096) {
    throw new SysError(
      "mount overlay on",
      ERRNO.E2BIG,
      target,
      "this kernel takes about 240 layers, Linux 6.8 takes 500",
    );
  }
  const failed = mountByData({ source, target, type: "overlay", flags, bytes });
  if (failed !== 0) {
    throw new SysError(
      "mount overlay on",
      failed,
      target,
      explainMountFailure("overlay", source, text.split(",")),
    );
  }
}

/**
 * Tries the same mount again, without attaching it anywhere, only to hear what
 * the kernel has to say.
 * @returns undefined if it says nothing
 */
export function explainMountFailure(
  type: string,
  source: string,
  data: readonly string[],
): string | undefined {
  const opened = tryOpenFs(type);
  if (opened === undefined) return undefined;
  using fs = opened;
  using stack = new DisposableStack();
  if (source !== "") setString(fs, "source", source);
  for (const option of data) {
    for (const [key, value] of layerOptions(option)) {
      const failed = value === undefined
        ? setFlag(fs, key)
        : setString(fs, key, tryShorten(value, stack));
      if (failed !== 0) return readLog(fs);
    }
  }
  createFs(fs);
  return readLog(fs);
}

function tryShorten(value: string, stack: DisposableStack): string {
  try {
    return shorten(value, stack);
  } catch {
    return value;
  }
}
