/** The typed `graphql` tag. Documents are checked against the schema of the platform when types are checked. */
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./schema";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  // Fragments are plain types: rows are stored and compared as a whole.
  disableMasking: true;
  scalars: { BigInt: string; DateTime: string; JSON: unknown };
}>();

export type { ResultOf, VariablesOf, TadaDocumentNode } from "gql.tada";
