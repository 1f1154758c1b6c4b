/** `io.containerd.runc.v2`, or the path of a program that is called so. */
const SHIM_RUNTIME = /^(?:[\w-]+\.)+v\d+$|\/containerd-shim-[\w-]+$/;

/** True of a containerd shim by name, false of an OCI runtime. */
export function isForeignRuntime(runtime: string): boolean {
  return SHIM_RUNTIME.test(runtime);
}

/** Programs, and parts of their shims' names. */
const SANDBOXES = /(?:^|[/.-])(?:runsc|kata(?:-runtime)?)(?:[.-]v\d+)?$/;

/** True of those whose processes have namespaces of a kernel of their own. */
export function isSandboxRuntime(runtime: string): boolean {
  return SANDBOXES.test(runtime);
}

/** Shims that run an OCI runtime: containerd's and ours. */
const OCI_SHIM = /(?:^|[.-])(?:runc|coracle)[.-]v\d+$/;

/** True of a shim whose processes are on this kernel. */
export function isOciShim(runtime: string): boolean {
  return isForeignRuntime(runtime) && OCI_SHIM.test(runtime);
}
