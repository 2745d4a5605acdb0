/** Stands for zarrita's codecs in WebAssembly, which the pages' policy forbids. */

import { ReadError } from "./trouble";

export default {
  fromConfig(): never {
    throw new ReadError("codec", "WebAssembly");
  },
};
