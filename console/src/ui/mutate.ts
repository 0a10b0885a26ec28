/** Sends mutations, and keeps what was refused at the field that it concerns. */
import { useState } from "react";
import { useIntl } from "react-intl";

import type { TadaDocumentNode } from "../graphql/documents";
import type { RequestFailure } from "../graphql/errors";
import { send } from "../graphql/transport";
import { asFailure } from "../live/list";

export interface UserError {
  field: string[] | null;
  message: string;
  code: string;
}

export interface Outcome {
  userErrors: UserError[];
}

export interface Mutation<Input, Result extends Outcome> {
  /** Returns the result if the platform accepted the command, and none otherwise. */
  run(input: Input): Promise<Result | null>;
  isRunning: boolean;
  failure: RequestFailure | null;
  /** The reasons of a refusal. */
  refusals: readonly UserError[];
  /** The sentence for a field of the input, if the platform refused its value. */
  errorAt(field: string): string | undefined;
  /** The sentences that belong to none of these fields. */
  errorsBeside(fields: readonly string[]): string[];
  reset(): void;
}

export function useMutation<Input, Result extends Outcome>(
  document: MutationDocument<Input, Result>,
): Mutation<Input, Result> {
  const sentence = useRefusal();
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState<RequestFailure | null>(null);
  const [refusals, setRefusals] = useState<readonly UserError[]>([]);
  const nameOf = (error: UserError) => error.field?.at(-1) ?? "";
  return {
    async run(input) {
      setRunning(true);
      setFailure(null);
      setRefusals([]);
      try {
        const outcome = await sendOnce(document, input);
        setRefusals(outcome?.userErrors ?? []);
        return outcome && outcome.userErrors.length === 0 ? outcome : null;
      } catch (error) {
        setFailure(asFailure(error));
        return null;
      } finally {
        setRunning(false);
      }
    },
    isRunning,
    failure,
    refusals,
    errorAt: (field) => {
      const found = refusals.find((error) => nameOf(error) === field);
      return found && sentence(found);
    },
    errorsBeside: (fields) => refusals.filter((error) => !fields.includes(nameOf(error))).map(sentence),
    reset: () => {
      setFailure(null);
      setRefusals([]);
    },
  };
}

export type MutationDocument<Input, Result> = TadaDocumentNode<{ outcome: Result | null }, { input: Input; key: string }>;

/** Pauses between attempts, in milliseconds. */
const PAUSES = [250, 500, 1_000, 2_000, 4_000, 8_000];

/**
 * Sends a command that takes effect once, however often it is sent: its key is the same in each attempt. So a command
 * whose answer was lost is sent again, and the person learns how it ended.
 *
 * @throws {RequestFailure} when the platform cannot be reached for some seconds, or answers with errors.
 */
export async function sendOnce<Input, Result>(document: MutationDocument<Input, Result>, input: Input): Promise<Result | null> {
  const key = randomKey();
  for (const pause of PAUSES) {
    try {
      return (await send(document, { input, key })).outcome;
    } catch (error) {
      if (asFailure(error).kind !== "offline") throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return (await send(document, { input, key })).outcome;
}

/** Returns 128 random bits. Browsers have `randomUUID` on secure pages only. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns the sentence of a refusal: the translation of its code, or the platform's own words. */
export function useRefusal(): (error: UserError) => string {
  const intl = useIntl();
  return (error) => {
    const id = `refusal.${error.code}`;
    return intl.messages[id] ? intl.formatMessage({ id }) : error.message;
  };
}
