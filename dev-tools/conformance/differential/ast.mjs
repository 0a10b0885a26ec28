// Short ways to make the nodes of a document.

import { Kind, parseType } from 'graphql';

export const name = (value) => ({ kind: Kind.NAME, value });
export const variable = (value) => ({ kind: Kind.VARIABLE, name: name(value) });
export const argument = (of, value) => ({ kind: Kind.ARGUMENT, name: name(of), value });
export const selectionSet = (selections) => ({ kind: Kind.SELECTION_SET, selections });
export const namedType = (of) => ({ kind: Kind.NAMED_TYPE, name: name(of) });
export const directive = (of, args) => ({ kind: Kind.DIRECTIVE, name: name(of), arguments: args });
export const spread = (of) => ({ kind: Kind.FRAGMENT_SPREAD, name: name(of), directives: [] });

export const field = (of, { alias, args = [], directives = [], selections } = {}) => ({
  kind: Kind.FIELD,
  alias: alias && name(alias),
  name: name(of),
  arguments: args,
  directives,
  selectionSet: selections && selectionSet(selections),
});

export const inline = (type, selections, directives = []) => ({
  kind: Kind.INLINE_FRAGMENT,
  typeCondition: type && namedType(type),
  directives,
  selectionSet: selectionSet(selections),
});

export const fragment = (of, type, selections) => ({
  kind: Kind.FRAGMENT_DEFINITION,
  name: name(of),
  typeCondition: namedType(type),
  directives: [],
  selectionSet: selectionSet(selections),
});

export const definition = (of, type, defaultValue) => ({
  kind: Kind.VARIABLE_DEFINITION,
  variable: variable(of),
  type: parseType(type, { noLocation: true }),
  defaultValue,
  directives: [],
});

export const operation = (kind, of, definitions, selections) => ({
  kind: Kind.OPERATION_DEFINITION,
  operation: kind,
  name: of && name(of),
  variableDefinitions: definitions,
  directives: [],
  selectionSet: selectionSet(selections),
});

/** A literal of a plain value; `Bare` values are enum values, and `Ref` values are variables. */
export function literal(value) {
  if (value instanceof Ref) return variable(value.name);
  if (value instanceof Bare) return { kind: Kind.ENUM, value: value.name };
  if (value === null) return { kind: Kind.NULL };
  if (Array.isArray(value)) return { kind: Kind.LIST, values: value.map(literal) };
  switch (typeof value) {
    case 'boolean':
      return { kind: Kind.BOOLEAN, value };
    case 'number':
      return Number.isInteger(value)
        ? { kind: Kind.INT, value: `${value}` }
        : { kind: Kind.FLOAT, value: `${value}` };
    case 'string':
      return { kind: Kind.STRING, value };
    default:
      return {
        kind: Kind.OBJECT,
        fields: Object.entries(value).map(([key, inner]) => ({
          kind: Kind.OBJECT_FIELD,
          name: name(key),
          value: literal(inner),
        })),
      };
  }
}

/** An enum value within a value. */
export class Bare {
  constructor(name) {
    this.name = name;
  }
  toJSON() {
    return this.name;
  }
}

/** A variable within a value. */
export class Ref {
  constructor(name) {
    this.name = name;
  }
}
