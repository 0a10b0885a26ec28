// Random choices that a seed repeats.

/** Returns a source of random choices. Each document has its own, so that it can be made again alone. */
export function chooser(seed, index) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0;
  // The generator `mulberry32`.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  const pick = (list) => list[below(list.length)];
  return {
    /** True with this probability. */
    chance: (share) => next() < share,
    /** A whole number from the first to the last. */
    between: (first, last) => first + below(last - first + 1),
    /** One of the items; undefined if there is none. */
    pick,
    /** Up to so many different items, in random order. */
    some(list, most) {
      const rest = [...list];
      const wanted = Math.min(rest.length, below(most + 1));
      return Array.from({ length: wanted }, () => rest.splice(below(rest.length), 1)[0]);
    },
    /** One of the keys, each as often as its number says. */
    weighted(weights) {
      const entries = Object.entries(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return entries.at(-1)[0];
    },
  };
}
