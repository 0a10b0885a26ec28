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
  document: TadaDocumentNode<{ outcome: Result | null }, { input: Input }>,
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
        const { outcome } = await send(document, { input });
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

/** Returns the sentence of a refusal: the translation of its code, or the platform's own words. */
export function useRefusal(): (error: UserError) => string {
  const intl = useIntl();
  return (error) => {
    const id = `refusal.${error.code}`;
    return intl.messages[id] ? intl.formatMessage({ id }) : error.message;
  };
}
