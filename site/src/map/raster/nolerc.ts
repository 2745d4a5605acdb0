/** Stands in for lerc, which needs WebAssembly; the pages' policy forbids it. */

export default {
  load: (): never => {
    throw new Error("LERC");
  },
};
