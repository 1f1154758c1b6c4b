/** `io.containerd.runc.v2`, or the path of a program that is called so. */
const SHIM_RUNTIME = /^(?:[\w-]+\.)+v\d+$|\/containerd-shim-[\w-]+$/;

/** True of a containerd shim by name, false of an OCI runtime. */
export function isForeignRuntime(runtime: string): boolean {
  return SHIM_RUNTIME.test(runtime);
}
