// A decoder (Radford et al. 2019): learned positions, blocks with the norm first, gelu's tanh form, a head that shares
// the embedding's weights.

/** `past` of a block is [k, v], each [B, heads, T, D], of the tokens before. */
export function gpt(n, { layers, width, heads, context, vocabulary }) {
  const { Embedding, LayerNorm, Linear, Module, functional } = n.nn

  class Block extends Module {
    norm1 = new LayerNorm(width)
    qkv = new Linear(width, 3 * width)
    projection = new Linear(width, width)
    norm2 = new LayerNorm(width)
    up = new Linear(width, 4 * width)
    down = new Linear(4 * width, width)

    forward(x, past) {
      const [B, T] = x.shape
      const [q, k, v] = this.qkv
        .forward(this.norm1.forward(x))
        .reshape([B, T, 3, heads, width / heads])
        .permute([2, 0, 3, 1, 4])
        .unbind()
      const keys = past ? n.cat([past[0], k], 2) : k
      const values = past ? n.cat([past[1], v], 2) : v
      const attended = functional.scaledDotProductAttention(q, keys, values, { isCausal: !past })
      const y = x.add(this.projection.forward(attended.transpose(1, 2).reshape([B, T, width])))
      const hidden = n.gelu(this.up.forward(this.norm2.forward(y)), { approximate: 'tanh' })
      return [y.add(this.down.forward(hidden)), [keys, values]]
    }
  }

  class Gpt extends Module {
    tokens = new Embedding(vocabulary, width)
    positions = new Embedding(context, width)
    blocks = Array.from({ length: layers }, () => new Block())
    norm = new LayerNorm(width)

    /** Logits [B, T, V] of index [B, T]; with `pasts`, those of the tokens before, also the pasts that follow. */
    forward(index, pasts = null) {
      const start = pasts ? pasts[0][0].shape[2] : 0
      const positions = this.positions.weight.narrow(0, start, index.shape[1])
      let x = this.tokens.forward(index).add(positions)
      const next = []
      for (const [i, block] of this.blocks.entries()) {
        const [y, past] = block.forward(x, pasts?.[i])
        x = y
        if (pasts) next.push(past)
      }
      const logits = functional.linear(this.norm.forward(x), this.tokens.weight)
      return pasts ? [logits, next] : logits
    }
  }
  const model = new Gpt()
  n.nn.init.normal_(model.tokens.weight, 0, 0.02)
  return model
}
