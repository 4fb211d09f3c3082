// GPT-2 of 124 million parameters (Radford et al. 2019), and decoding with it.
import { gpt } from './gpt.mjs'

const [layers, heads, width] = [12, 12, 768]

export function gpt2(n) {
  return gpt(n, { layers, width, heads, context: 1024, vocabulary: 50257 })
}

/** A cache of `length` tokens for each block. */
export function emptyPast(n, length) {
  const part = () => n.randn([1, heads, length, width / heads])
  return Array.from({ length: layers }, () => [part(), part()])
}

/** `count` tokens, each the likeliest after the one before. */
export function decode(n, model, pasts, count) {
  let index = n.zeros([1, 1], { dtype: 'int64' })
  for (let i = 0; i < count; i++) {
    const [logits, next] = model.forward(index, pasts)
    pasts = next
    index = logits.argmax({ dim: -1 })
  }
  return index
}
