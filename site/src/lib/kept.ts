/** Keeps what is being fetched, so that it is fetched once; what fails is forgotten, so that it can be asked for again. */
export function kept<K, V>(held: Map<K, Promise<V>>, key: K, fetched: () => Promise<V>): Promise<V> {
  const known = held.get(key);
  if (known) return known;
  const found = fetched();
  held.set(key, found);
  found.catch(() => held.get(key) === found && held.delete(key));
  return found;
}
