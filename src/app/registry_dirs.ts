import { configHome } from "./paths.ts";

/**
 * Directories of `HOST/hosts.toml` where the configuration names none: ours,
 * and the ones that hosts have already for containerd and docker.
 *
 * @param uid the user's id as the host knows it
 */
export function registryConfigDirs(
  env: (name: string) => string | undefined,
  uid: number,
): readonly string[] {
  const shared = [
    "/etc/coracle/certs.d",
    "/etc/containerd/certs.d",
    "/etc/docker/certs.d",
  ];
  if (uid === 0) return shared;
  const home = configHome(env);
  return [`${home}/coracle/certs.d`, `${home}/docker/certs.d`, ...shared];
}
