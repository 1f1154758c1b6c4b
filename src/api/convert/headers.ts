/** The header of ttrpc calls that names the tenant. */
export const NAMESPACE_HEADER = "containerd-namespace-ttrpc";
