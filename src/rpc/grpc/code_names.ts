/** Names of gRPC's statuses, as Go's library and every dashboard spell them. */

export const CODE_NAMES: readonly string[] = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded"],
  ...["NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted"],
  ...["FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented"],
  ...["Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

export function codeName(status: number): string {
  return CODE_NAMES[status] ?? `Code(${status})`;
}
