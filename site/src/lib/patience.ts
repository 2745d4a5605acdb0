/** How long the others wait for one that does not answer, milliseconds. */
const PATIENCE = 6000;

/** Waits for all work, or until the others have waited long enough. */
export async function patiently(work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.race([Promise.all(work), new Promise((done) => setTimeout(done, PATIENCE))]);
}
