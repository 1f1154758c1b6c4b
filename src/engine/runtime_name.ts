/** `io.containerd.runc.v2`; ours, under its name, would be one as well. */
const SHIM_RUNTIME = /^[a-z0-9]+(?:\.[\w-]+)+\.v\d+$/;

/** True of a containerd shim by name, false of an OCI runtime. */
export function isForeignRuntime(runtime: string): boolean {
  return SHIM_RUNTIME.test(runtime);
}
