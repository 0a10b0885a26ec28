// The reference that the API is compared with: graphql-js over the SDL of the platform.

import { readFileSync } from 'node:fs';
import {
  GraphQLError,
  Kind,
  buildASTSchema,
  parse,
  specifiedRules,
  validate,
  valueFromASTUntyped,
  visit,
} from 'graphql';

// Where graphql-js 17.1 departs from the edition of September 2025, by section.
// 2, Selection Sets: a set has at least one selection. graphql-js accepts none, unless it is told otherwise.
const SYNTAX = { allowEmptySelectionSets: false };
// 3.13, Directives: the edition has neither @defer nor @stream, of which the first four rules are.
// 5, Validation: the edition does not limit the depth of introspection, by which graphql-js guards itself.
const BEYOND_THE_EDITION = [
  'DeferStreamDirectiveOnRootFieldRule',
  'DeferStreamDirectiveOnValidOperationsRule',
  'DeferStreamDirectiveLabelRule',
  'StreamDirectiveOnListFieldRule',
  'MaxIntrospectionDepthRule',
];

// 2.9.4, String Value and 5.3.2, Field Selection Merging: a block string is the same value as a plain string
// with its characters. graphql-js compares arguments by their form.
const PLAIN_STRINGS = { StringValue: (node) => (node.block ? { ...node, block: false } : undefined) };

const RULES = specifiedRules.filter(({ name }) => !BEYOND_THE_EDITION.includes(name));

// RFC 3339, in groups: year, month, day, hour, minute, second, offset's hour and minute.
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/;

const BIG_INT = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** Input coercion of the SDL's own scalars, by the descriptions in the SDL. */
const SCALARS = {
  DateTime(value) {
    const [, year, month, day, hour, minute, second, offsetHour, offsetMinute] = DATE_TIME.exec(value) ?? [];
    const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
    // The platform stores no leap seconds.
    const exists =
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      day <= days &&
      hour < 24 &&
      minute < 60 &&
      second < 60 &&
      (offsetHour === undefined || (offsetHour < 24 && offsetMinute < 60));
    if (typeof value !== 'string' || !exists) throw new GraphQLError('not a time of RFC 3339');
    return value;
  },
  BigInt(value) {
    const written = typeof value === 'string' ? /^[+-]?\d+$/.test(value) : Number.isInteger(value);
    const number = written ? BigInt(value) : undefined;
    if (number === undefined || number < BIG_INT.least || number > BIG_INT.most) {
      throw new GraphQLError('not a whole number of 64 bits');
    }
    return String(number);
  },
  JSON: (value) => value,
};

/**
 * Reads the SDL, and gives its scalars their coercion. In a `lenient` schema every field may be null, so that
 * an error stays where it happens.
 */
export function readSchema({ lenient = false } = {}) {
  const definitions = parse(readFileSync('schema.graphql', 'utf8'));
  const nullable = ({ type }) => (type.kind === Kind.NON_NULL_TYPE ? type.type : type);
  const changed = visit(definitions, { FieldDefinition: (field) => ({ ...field, type: nullable(field) }) });
  const schema = buildASTSchema(lenient ? changed : definitions);
  for (const [name, coerce] of Object.entries(SCALARS)) {
    const scalar = schema.getType(name);
    if (!scalar) continue;
    const ofLiteral = (node, variables) => coerce(literal(node, variables));
    scalar.coerceInputValue = scalar.parseValue = coerce;
    scalar.coerceInputLiteral = ofLiteral;
    scalar.parseLiteral = ofLiteral;
    // The rows hold values as the platform sends them.
    scalar.coerceOutputValue = scalar.serialize = (value) => value;
  }
  return schema;
}

/**
 * Judges a document as the specification does before it looks at variables: the parsed document, or the
 * errors and the rules that are broken.
 */
export function judge(schema, source) {
  let document;
  try {
    document = visit(parse(source, SYNTAX), PLAIN_STRINGS);
  } catch (error) {
    return { valid: false, errors: [error], rules: ['syntax'] };
  }
  const errors = validate(schema, document, RULES);
  return { valid: errors.length === 0, document, errors, rules: [] };
}

/** The names of the rules that a document breaks. */
export function brokenRules(schema, { document, rules }) {
  if (!document) return rules;
  return RULES.filter((rule) => validate(schema, document, [rule]).length > 0).map(({ name }) => name);
}

// A number keeps its digits, so that `BigInt` can judge it.
function literal(node, variables) {
  if (node.kind === Kind.INT && !Number.isSafeInteger(Number(node.value))) return node.value;
  return valueFromASTUntyped(node, variables);
}
