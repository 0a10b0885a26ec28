// Makes a document smaller while it still shows its difference.

import { parse, print, visit, BREAK } from 'graphql';

const LISTS = [
  'definitions',
  'selections',
  'arguments',
  'directives',
  'variableDefinitions',
  'values',
  'fields',
];
const MOST_TRIES = 150;

/** Removes parts of a document, each as long as `differs` is true for the rest. */
export async function shrink(request, differs) {
  let best = request;
  let tries = 0;
  for (let smaller = true; smaller && tries < MOST_TRIES;) {
    smaller = false;
    let document;
    try {
      document = parse(best.source, { noLocation: true });
    } catch {
      return best;
    }
    // From the end, so that what is removed does not move what is still to be tried.
    for (let at = parts(document) - 1; at >= 0 && tries < MOST_TRIES; at -= 1) {
      const source = without(document, at);
      if (!source || source.length >= best.source.length) continue;
      tries += 1;
      const next = { ...best, source };
      if (await differs(next).catch(() => false)) {
        best = next;
        document = parse(source, { noLocation: true });
        smaller = true;
      }
    }
  }
  return best;
}

function parts(document) {
  let count = 0;
  visit(document, { enter: (node) => void LISTS.forEach((list) => (count += node[list]?.length ?? 0)) });
  return count;
}

function without(document, at) {
  const copy = structuredClone(document);
  let left = at;
  visit(copy, {
    enter(node) {
      for (const list of LISTS) {
        const length = node[list]?.length ?? 0;
        if (left < length) {
          node[list] = node[list].toSpliced(left, 1);
          if (list === 'selections' && node[list].length === 0) left = -1;
          return BREAK;
        }
        left -= length;
      }
      return undefined;
    },
  });
  return left < 0 ? undefined : print(copy);
}
