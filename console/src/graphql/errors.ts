/** Failures of requests, by what a person can do about them. */

export type FailureKind =
  | "offline" // The platform cannot be reached: try again.
  | "signedOut" // The token is missing, expired or revoked: sign in.
  | "forbidden" // The role does not allow it.
  | "busy" // The rate limit or the platform's capacity is used up: try again later.
  | "lostCursor" // The database was restored: list again.
  | "other";

export class RequestFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
    this.name = "RequestFailure";
  }
}

export interface GraphQLFailure {
  message: string;
  extensions?: { code?: unknown };
}

/** The kinds of the codes of errors; any other code is a fault. */
const KINDS: Record<string, FailureKind> = {
  UNAUTHENTICATED: "signedOut",
  FORBIDDEN: "forbidden",
  RATE_LIMITED: "busy",
  LIMIT_EXCEEDED: "busy",
  UNAVAILABLE: "busy",
  TOO_SLOW: "busy",
  NOT_YET_CONSISTENT: "busy",
  INVALID_CURSOR: "lostCursor",
};

/** Returns the failure of an answer's first error. */
export function failureOf(errors: readonly GraphQLFailure[]): RequestFailure {
  const first = errors[0];
  const code = first?.extensions?.code;
  const kind = typeof code === "string" ? KINDS[code] : undefined;
  return new RequestFailure(kind ?? "other", first?.message ?? "the answer has no data");
}
