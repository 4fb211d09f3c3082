// What JSON.parse keeps silent about: of several members of one name it takes the last.

/** A key that an object of the (valid) JSON text has twice, if there is one. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') open.push(new Set())
    else if (text[at] === '}') open.pop()
    else if (text[at] === '"') {
      const start = at
      at = closingQuote(text, start)
      if (!isFollowedByColon(text, at + 1)) continue
      const key = JSON.parse(text.slice(start, at + 1)) as string
      const keys = open[open.length - 1]
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return undefined
}

function closingQuote(text: string, opening: number): number {
  let at = opening + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function isFollowedByColon(text: string, at: number): boolean {
  while (' \t\n\r'.includes(text[at])) at++
  return text[at] === ':'
}
