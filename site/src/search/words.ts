/** Cuts text into the words that are searched; `builder/index/words.py` does the same when the index is built. */

const LONGEST = 40;
const PARTED: Readonly<Record<string, string>> = { ø: "o", đ: "d", ł: "l", ð: "d", æ: "ae", œ: "oe", þ: "th", ß: "ss" };

export function wordsIn(text: string): string[] {
  const plain = text
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[øđłðæœþß]/g, (letter) => PARTED[letter]!)
    .replace(/\p{M}/gu, "");
  const counts = (word: string): boolean =>
    /^\p{Nd}+$/u.test(word) ? /^[12]\d{3}$/.test(word) : [...word].length >= 2 && [...word].length <= LONGEST;
  return [...new Set((plain.match(/[\p{L}\p{N}]+/gu) ?? []).filter(counts))];
}
