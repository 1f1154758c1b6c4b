/**
 * What docker says of the network of a container that has none of its own:
 * the keys are there for those who ask for them.
 */

const ADDRESS = {
  ...{ IPAddress: "", IPPrefixLen: 0, Gateway: "", MacAddress: "" },
  ...{ GlobalIPv6Address: "", GlobalIPv6PrefixLen: 0, IPv6Gateway: "" },
  EndpointID: "",
} as const;

/** In a network. */
export const NO_ADDRESS = {
  ...ADDRESS,
  ...{ IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null },
  NetworkID: "",
} as const;

export const NO_ENDPOINT = {
  ...ADDRESS,
  ...{ Bridge: "", SandboxID: "", SandboxKey: "", HairpinMode: false },
  ...{ LinkLocalIPv6Address: "", LinkLocalIPv6PrefixLen: 0 },
  ...{ SecondaryIPAddresses: null, SecondaryIPv6Addresses: null },
} as const;
